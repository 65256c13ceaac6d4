"use strict";

// Pages work without this file. With it the status page follows what happens, and choosing a workspace is one click.

const REFRESH_MS = 1000;
const POLL_MS = 10000;
const RETRY_MS = 3000;

function followWorkspace(form) {
  form.querySelector("button").hidden = true;
  form.querySelector("select").addEventListener("change", () => form.requestSubmit());
}

// Make `old` look like `fresh`, touching only what differs, so that focus and selection stay.
function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeName !== fresh.nodeName) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const [before, after] = [[...old.childNodes], [...fresh.childNodes]];
  after.forEach((node, at) => (at < before.length ? morph(before[at], node) : old.append(document.importNode(node, true))));
  before.slice(after.length).forEach((node) => node.remove());
}

async function refresh() {
  const answer = await fetch(location.pathname, { credentials: "same-origin", cache: "no-store" });
  if (answer.redirected) return location.assign(answer.url);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  // Another workspace was chosen in another window, or the server was upgraded.
  if (fresh.body.dataset.page !== document.body.dataset.page) return location.reload();
  morph(document.getElementById("status"), fresh.getElementById("status"));
}

// At most one refresh a second, however much happens, and none while nobody looks.
function refresher(wire) {
  let due = false;
  let running = false;
  const run = async () => {
    if (running || !due || document.hidden) return;
    [due, running] = [false, true];
    try {
      await refresh();
    } catch {
      wire.dataset.wire = "lost";
    }
    setTimeout(() => {
      running = false;
      run();
    }, REFRESH_MS);
  };
  const ask = () => {
    due = true;
    run();
  };
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  setInterval(ask, POLL_MS);
  return ask;
}

function follow(body, wire) {
  const ask = refresher(wire);
  const kinds = [...body.dataset.kinds.split(" "), "reset"];
  const say = (state, text) => {
    wire.dataset.wire = state;
    wire.textContent = text;
  };
  const connect = () => {
    const stream = new EventSource(body.dataset.live);
    stream.onopen = () => (say("live", "Live"), ask());
    stream.onerror = () => {
      say("lost", "Reconnecting");
      if (stream.readyState === EventSource.CLOSED) {
        // Refused rather than cut off: perhaps signed out, which the refresh will find.
        ask();
        setTimeout(connect, RETRY_MS);
      }
    };
    for (const kind of kinds) stream.addEventListener(kind, ask);
  };
  connect();
}

document.querySelectorAll("[data-workspace]").forEach(followWorkspace);
if (document.body.dataset.live) follow(document.body, document.querySelector("[data-wire]"));
