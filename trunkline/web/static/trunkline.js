"use strict";

// Pages work without this file. With it they follow what happens, keys lead everywhere, and questions are asked in place.

const RETRY_MS = 3000;
const LATELY = 200;

const closest = (event, selector) => event.target.closest?.(selector);
const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable]");

// --- What happens in the workspace: one stream for all tabs of this browser. ---

// Tells the page: `live` with the whole update, and `live-contact` for an update called contact.something.
function tell(update) {
  const kind = update.kind.split(/[._]/)[0];
  document.body.dispatchEvent(new CustomEvent("live", { detail: update }));
  document.body.dispatchEvent(new CustomEvent(`live-${kind}`, { detail: update }));
}

// What waits for the server need not wait longer.
const reach = () => document.body.dispatchEvent(new CustomEvent("reachable"));

function listen(heard, reached) {
  const wire = document.querySelector("[data-wire]");
  const stream = new EventSource(`${document.body.dataset.live}&after=${document.body.dataset.seen}`);
  stream.onopen = () => {
    wire.textContent = "";
    document.body.dataset.heard = "yes";
    reached();
  };
  stream.onerror = () => {
    delete document.body.dataset.heard;
    wire.dataset.wire = "lost";
    wire.textContent = wire.dataset.lost;
    if (stream.readyState !== EventSource.CLOSED) return;
    setTimeout(() => {
      document.dispatchEvent(new Event("cut"));
      listen(heard, reached);
    }, RETRY_MS);
  };
  stream.addEventListener("update", (event) => heard({ seq: Number(event.lastEventId), ...JSON.parse(event.data) }));
  stream.addEventListener("reset", () => heard({ kind: "reset", ids: {} }));
}

for (const kind of ["online", "offline"]) {
  addEventListener(kind, () => {
    const wire = document.querySelector("[data-wire]");
    if (wire) wire.textContent = navigator.onLine ? "" : wire.dataset.offline;
  });
}

// Browsers allow few streams to one host: one tab holds it and tells the others. A tab that has just been opened says
// up to where its page is right, and hears what was told since.
function follow() {
  const name = `trunkline ${document.body.dataset.workspace}`;
  if (!navigator.locks || !window.BroadcastChannel) return listen(tell, reach);
  const others = new BroadcastChannel(name);
  const lately = [];
  let holds = false;
  others.onmessage = ({ data }) => {
    if (data.reachable) return reach();
    if (!("after" in data)) return tell(data);
    if (holds) lately.filter((update) => update.seq > data.after).forEach((update) => others.postMessage(update));
  };
  others.postMessage({ after: Number(document.body.dataset.seen) });
  navigator.locks.request(name, () => {
    holds = true;
    const heard = (update) => {
      if (lately.push(update) > LATELY) lately.shift();
      others.postMessage(update);
      tell(update);
    };
    listen(heard, () => {
      others.postMessage({ reachable: true });
      reach();
    });
    return new Promise(() => {});
  });
}

// --- Dialogs, the menu on a phone, questions before what cannot be undone. ---

function open(id) {
  const dialog = document.getElementById(id);
  dialog.showModal();
  dialog.querySelector("input")?.select();
  if (id === "palette") dialog.querySelector("input").dispatchEvent(new Event("palette-opened"));
}

document.addEventListener("click", (event) => {
  const opener = closest(event, "[data-opens]");
  if (opener) open(opener.dataset.opens);
  const toggler = closest(event, "[data-toggles]");
  if (toggler) {
    const open = document.getElementById(toggler.dataset.toggles).classList.toggle("open");
    toggler.setAttribute("aria-expanded", open);
  }
  if (event.target.nodeName === "DIALOG") event.target.close();
  if (!closest(event, ".side, .bar")) document.querySelector(".side.open")?.classList.remove("open");
});

// `data-sure` on a form or its button is a question; the form goes on its way after a yes.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const question = event.submitter?.dataset.sure ?? form.dataset.sure;
  if (!question || form.dataset.sured) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const dialog = document.getElementById("sure");
  dialog.querySelector("h2").textContent = question;
  dialog.returnValue = "";
  dialog.showModal();
  dialog.onclose = () => {
    if (dialog.returnValue !== "yes") return;
    form.dataset.sured = "yes";
    form.requestSubmit(event.submitter ?? undefined);
  };
}, true);

// A form that is on its way is not sent twice.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method === "dialog" || event.target.hasAttribute("data-hx-get")) return;
  setTimeout(() => event.target.querySelectorAll("button").forEach((button) => (button.disabled = true)));
});
addEventListener("pageshow", () => document.querySelectorAll("form button:disabled:not([data-off])").forEach((each) => (each.disabled = false)));

for (const form of document.querySelectorAll("[data-submits]")) {
  form.querySelector("button").hidden = true;
  form.querySelector("select").addEventListener("change", () => form.requestSubmit());
}

// --- Keys. ---

let after = "";

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && document.getElementById("palette")) {
    event.preventDefault();
    return open("palette");
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
  if (after === "g") {
    after = "";
    document.querySelector(`.menu [data-key="${CSS.escape(event.key)}"]`)?.click();
  } else if (event.key === "g") {
    after = "g";
    setTimeout(() => (after = ""), 1000);
  } else if (event.key === "?" && document.getElementById("keys")) {
    open("keys");
  } else if (event.key === "/") {
    const search = document.querySelector("main input[type=search]");
    if (search) (event.preventDefault(), search.focus());
  }
});

// Whoever was signed out in the middle of something is led back to it: see typed.js.
document.querySelector('form[action="/login"]')?.addEventListener("submit", () => sessionStorage.setItem("signing in", "true"));
const kept = document.getElementById("kept");
if (kept) kept.hidden = !Object.keys(sessionStorage).some((name) => /^(sent|typed) /.test(name));

// Up and down through what the palette found; Enter goes there.
document.getElementById("palette")?.addEventListener("keydown", (event) => {
  const found = [...event.currentTarget.querySelectorAll("li")];
  const at = found.findIndex((each) => each.ariaSelected === "true");
  if (event.key === "Enter") {
    event.preventDefault();
    (found[at] ?? found[0])?.querySelector("a").click();
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !found.length) return;
  event.preventDefault();
  const next = found[(at + step + found.length) % found.length];
  found.forEach((each) => (each.ariaSelected = each === next ? "true" : "false"));
  next.scrollIntoView({ block: "nearest" });
});

// --- Requests of parts of the page carry the page's token; one that meets the end of the session changes nothing. ---

document.addEventListener("htmx:config:request", (event) => {
  event.detail.ctx.request.headers["X-CSRF"] = document.body.dataset.csrf;
});
document.addEventListener("htmx:before:swap", (event) => {
  const came = event.detail.ctx?.response?.raw?.url;
  if (came && new URL(came, location).pathname === "/login") (event.preventDefault(), document.dispatchEvent(new Event("cut")));
});

// --- Boxes of a table: one for all, and a bar of actions while some are chosen. ---

document.addEventListener("change", (event) => {
  const all = closest(event, "[data-all]");
  const table = closest(event, "[data-choices]");
  if (!table) return;
  const boxes = [...table.querySelectorAll("tbody input[type=checkbox]")];
  if (all) boxes.forEach((box) => (box.checked = all.checked));
  const number = boxes.filter((box) => box.checked).length;
  const bar = document.getElementById(table.dataset.choices);
  bar.hidden = !number;
  bar.querySelectorAll("[data-every]").forEach((each) => (each.checked = false));
  bar.querySelectorAll("[data-number]").forEach((each) => (each.textContent = number));
});

for (const toast of document.querySelectorAll(".toast")) setTimeout(() => toast.remove(), 6000);
if (document.body.dataset.live) follow();
