import "./inbox.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { Inbox } from "./lib/inbox.svelte";
import { setZone } from "./lib/time";
import type { Start } from "./lib/types";

const start: Start = JSON.parse(document.getElementById("inbox-start")?.textContent || "{}");
const target = document.getElementById("inbox");

setZone(start.zone);
if (target) mount(App, { target, props: { inbox: new Inbox(start) } });
