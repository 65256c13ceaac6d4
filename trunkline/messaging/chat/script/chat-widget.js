// Trunkline chat window. Apache-2.0. <script async src="https://your.host/chat/widget.js" data-channel="UUID"></script>
(() => {
  "use strict";
  const script = document.currentScript || document.querySelector("script[data-channel]");
  if (!script || window.Trunkline) return;
  const settings = { ...window.TrunklineSettings, ...script.dataset };
  const channel = settings.channel;
  const base = new URL("/chat/" + encodeURIComponent(channel) + "/", settings.host || script.src).href;
  const full = "full" in settings && settings.full !== false;

  const WORDS = {
    en: {
      open: "Open chat", close: "Close chat", title: "Chat", write: "Write a message…", send: "Send", attach: "Attach a file",
      log: "Messages", failed: "Not sent.", retry: "Try again", sending: "Sending…", offline: "You are offline. What you write is sent as soon as you are back.",
      waiting: "Reconnecting…", typing: "Somebody is typing…", large: "The file is too large.", refused: "This cannot be sent.",
      slow: "One moment, please: too many messages.", fresh: "New messages: ", file: "File", you: "You", us: "Us",
      away: "The chat is not available right now.", earlier: "Earlier messages",
    },
    ro: {
      open: "Deschide chatul", close: "Închide chatul", title: "Chat", write: "Scrie un mesaj…", send: "Trimite", attach: "Atașează un fișier",
      log: "Mesaje", failed: "Netrimis.", retry: "Încearcă din nou", sending: "Se trimite…", offline: "Nu ai conexiune. Ce scrii se trimite imediat ce revii.",
      waiting: "Se reconectează…", typing: "Cineva scrie…", large: "Fișierul este prea mare.", refused: "Mesajul nu poate fi trimis.",
      slow: "O clipă, te rog: prea multe mesaje.", fresh: "Mesaje noi: ", file: "Fișier", you: "Tu", us: "Noi",
      away: "Chatul nu este disponibil acum.", earlier: "Mesaje mai vechi",
    },
  };
  const wanted = [settings.lang, document.documentElement.lang, ...(navigator.languages || [])];
  const lang = wanted.map((one) => (one || "").slice(0, 2).toLowerCase()).find((one) => WORDS[one]) || "en";
  const t = (name) => WORDS[lang][name] || WORDS.en[name];

  const LARGEST = 10 * 1024 * 1024;
  const STORE = "trunkline:" + channel;

  // ---- what the browser keeps; where it may keep nothing, this page does ----
  const memory = {};
  const store = {
    get(name) { try { return localStorage.getItem(STORE + name) || memory[name]; } catch { return memory[name]; } },
    set(name, value) { memory[name] = value; try { localStorage.setItem(STORE + name, value); } catch { /* private mode */ } },
    drop(name) { delete memory[name]; try { localStorage.removeItem(STORE + name); } catch { /* private mode */ } },
  };
  const random = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const key = () => { if (!store.get("key")) store.set("key", random()); return store.get("key"); };

  // ---- the state ----
  let identity = pick(settings);
  let token = "", seq = 0, readSeq = 0, uploads = false, config = null;
  let opened = full, typing = false, connected = false, generation = 0, stream = null, stalled = 0;
  let messages = [];   // from the server, by seq
  let pending = [];    // {id, text, file, state: "sending" | "failed", why}
  let running = false, beginning = null, earlierAll = false;

  function pick(from) {
    const known = {};
    for (const [name, given] of [["user_id", from.userId], ["user_hash", from.userHash], ["jwt", from.jwt], ["name", from.name], ["email", from.email]])
      if (given) known[name] = String(given);
    return known;
  }

  // ---- talking to the server ----
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

  class Refused extends Error {
    constructor(status, code, after) { super(code || String(status)); this.status = status; this.after = after; }
  }

  async function call(path, options = {}, again = true) {
    const headers = { ...options.headers };
    if (path !== "config" && path !== "session") {
      if (!token) await begin();
      headers.Authorization = "Bearer " + token;
    }
    const mine = generation;
    const answer = await fetch(base + path, { ...options, headers, credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer" });
    if (answer.status === 401 && again && path !== "session") {
      if (mine === generation) token = "";
      return call(path, options, false);
    }
    if (!answer.ok) {
      const told = await answer.json().catch(() => ({}));
      throw new Refused(answer.status, told.code, Number(answer.headers.get("Retry-After")) || 0);
    }
    return answer;
  }

  const json = (body) => ({ method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  const here = () => ({ page_url: location.href.slice(0, 2048), referrer_url: document.referrer.slice(0, 2048) });

  function begin() {
    beginning ||= (async () => {
      try {
        const mine = generation;
        const told = await (await call("session", json({ visitor: key(), source: settings.source, ...identity, ...here() }))).json();
        if (mine !== generation) return;
        token = told.token;
        uploads = told.uploads;
        messages = [];
        seq = 0;
        earlierAll = told.messages.length < 50;
        told.messages.forEach(take);
        seq = Math.max(seq, told.seq);
        readSeq = Math.max(told.read_seq, 0);
        store.set("known", "1");
      } finally { beginning = null; }
      draw();
    })();
    return beginning;
  }

  function take(message) {
    seq = Math.max(seq, message.seq);
    pending = pending.filter((one) => one.id !== message.told_id);
    if (!messages.some((one) => one.seq === message.seq)) messages.push(message);
    messages.sort((one, other) => one.seq - other.seq);
  }

  // Reads events until the stream ends; whoever was cut off goes on behind the last number.
  async function listen() {
    if (running) return;
    running = true;
    let pause = 500;
    while (running) {
      const mine = generation;
      try {
        if (!token) await begin();
        stream = new AbortController();
        const answer = await call("events", { headers: { "Last-Event-ID": String(seq) }, signal: stream.signal });
        connected = true; pause = 500; stalled = Date.now(); draw(); flush();
        await events(answer.body.getReader(), mine);
      } catch (error) {
        if (error instanceof Refused && [403, 404, 422].includes(error.status)) { running = false; fail(); return; }
        if (error instanceof Refused && error.after) pause = error.after * 1000;
      }
      connected = false;
      if (!running) return;
      if (mine !== generation) continue;
      if (typing) typing = false;
      draw();
      await sleep(pause * (0.75 + Math.random() / 2));
      pause = Math.min(pause * 2, 30000);
    }
  }

  async function events(reader, mine) {
    const decoder = new TextDecoder();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done || mine !== generation) return;
      stalled = Date.now();
      rest += decoder.decode(value, { stream: true });
      const blocks = rest.split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) hear(block);
    }
  }

  function hear(block) {
    let kind = "message", data = "";
    for (const line of block.split("\n")) {
      if (line.startsWith("event: ")) kind = line.slice(7);
      else if (line.startsWith("data: ")) data += line.slice(6);
    }
    if (!data) return;
    const told = JSON.parse(data);
    if (kind === "typing") typing = told.typing;
    else {
      const before = seq;
      take(told);
      if (!told.mine) {
        typing = false;
        if (told.seq > before) say((config.title || t("us")) + ": " + (told.text || t("file")));
      }
    }
    draw();
  }

  // A connection that has been silent for longer than three heartbeats is dead, whatever the browser believes.
  setInterval(() => { if (connected && Date.now() - stalled > 50000) stream.abort(); }, 10000);

  // ---- writing ----
  function write(text, file) {
    pending.push({ id: random(), text, file, state: "sending", why: "" });
    draw(true);
    flush();
    listen();
  }

  let flushing = false;
  async function flush() {
    if (flushing) return;
    flushing = true;
    for (let one; (one = pending.find((each) => each.state === "sending")) && navigator.onLine !== false;) {
      try {
        const told = await (await deliver(one)).json();
        if (told.message) take(told.message);
        else pending = pending.filter((each) => each !== one);
      } catch (error) {
        if (!(error instanceof Refused) || error.status >= 500) break;  // when the connection is back it goes on
        one.state = "failed";
        one.why = error.status === 413 ? t("large") : error.status === 429 ? t("slow") : t("refused");
      }
      draw();
    }
    flushing = false;
    const waits = pending.some((each) => each.state === "sending");
    if (waits) setTimeout(flush, 3000);
    draw();
  }

  const deliver = (one) => one.file
    ? call("files?" + new URLSearchParams({ id: one.id, name: one.file.name }), { method: "POST", body: one.file, headers: { "Content-Type": one.file.type || "application/octet-stream" } })
    : call("messages", json({ id: one.id, text: one.text, website: trap.value, ...here() }));

  function markRead() {
    if (!opened || document.hidden || seq <= readSeq || !messages.some((one) => !one.mine && one.seq > readSeq)) return;
    readSeq = seq;
    call("read", json({ seq })).catch(() => {});
  }

  // ---- what is seen; every text is set as text, so nothing anybody writes is ever read as HTML ----
  function el(name, attributes = {}, ...inside) {
    const made = document.createElement(name);
    for (const [at, value] of Object.entries(attributes))
      if (at.startsWith("on")) made.addEventListener(at.slice(2), value);
      else if (value !== false && value != null) made.setAttribute(at, value === true ? "" : value);
    made.append(...inside);
    return made;
  }

  function icon(path) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [at, value] of [["viewBox", "0 0 24 24"], ["aria-hidden", "true"]]) svg.setAttribute(at, value);
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  }

  const host = el("div", { id: "trunkline-chat", lang });
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host{all:initial;position:fixed;right:20px;bottom:20px;z-index:2147483000;font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:#1a1f27}
    :host([hidden]){display:none}
    *{box-sizing:border-box}
    button,textarea,input{font:inherit;color:inherit}
    button{cursor:pointer;border:0;background:none;padding:0}
    svg{width:24px;height:24px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round;display:block}
    :focus-visible{outline:3px solid #111;outline-offset:2px;box-shadow:0 0 0 2px #fff}
    .launch{position:relative;width:58px;height:58px;border-radius:50%;background:var(--c);color:var(--k);display:grid;place-items:center;box-shadow:0 4px 16px #0004}
    .badge{position:absolute;top:-4px;right:-4px;min-width:22px;height:22px;padding:0 6px;border-radius:11px;background:#c62828;color:#fff;font-size:13px;line-height:22px;font-weight:600}
    .panel{position:absolute;right:0;bottom:74px;width:376px;height:min(600px,calc(100vh - 120px));background:#fff;border-radius:14px;box-shadow:0 10px 40px #0005;display:flex;flex-direction:column;overflow:hidden;animation:in .16s ease-out}
    @keyframes in{from{opacity:0;transform:translateY(10px)}}
    [hidden]{display:none!important}
    header{display:flex;align-items:center;gap:12px;padding:14px 16px;background:var(--c);color:var(--k)}
    h2{margin:0;font-size:17px;font-weight:600;flex:1;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
    header button,.tool{width:36px;height:36px;border-radius:8px;display:grid;place-items:center;flex:none}
    .notice{padding:8px 16px;background:#fff4d6;color:#5a4300;font-size:13px}
    .log{flex:1;overflow-y:auto;overscroll-behavior:contain;padding:16px;display:flex;flex-direction:column;gap:8px;list-style:none;margin:0}
    .log li{max-width:82%;padding:9px 13px;border-radius:14px;background:#eef1f5;align-self:flex-start;overflow-wrap:anywhere;white-space:pre-wrap}
    .log li.mine{align-self:flex-end;background:var(--c);color:var(--k)}
    .log li.part{align-self:center;background:none;padding:0}
    .log a{color:inherit}
    .log small{display:block;font-size:12px;opacity:.85}
    .log li.failed{background:#fdecea;color:#7f1d1d}
    .log li button{text-decoration:underline;font-size:13px}
    .choices{display:flex;flex-wrap:wrap;gap:8px;padding:0 16px 8px}
    .choices button{border:1px solid var(--c);border-radius:16px;padding:5px 12px;background:#fff}
    .typing{padding:0 16px 8px;font-size:13px;color:#4b5563}
    form{display:flex;align-items:flex-end;gap:6px;padding:10px;border-top:1px solid #d9dee5}
    textarea{flex:1;resize:none;border:1px solid #8a94a3;border-radius:10px;padding:8px 10px;max-height:120px;min-height:40px;background:#fff;font-size:16px;line-height:1.35}
    .send{background:var(--c);color:var(--k)}
    .sr,.trap{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
    @media (max-width:480px){:host(.open){inset:0;right:0;bottom:0}:host(.open) .launch{display:none}.panel{position:fixed;inset:0;width:100%;height:100dvh;border-radius:0;bottom:0}}
    :host(.full){inset:0}:host(.full) .launch,:host(.full) .x{display:none}:host(.full) .panel{position:fixed;inset:0;width:100%;height:100dvh;border-radius:0}
    @media (prefers-reduced-motion:reduce){*{animation:none!important}.log{scroll-behavior:auto}}
    @media (forced-colors:active){.launch,.panel,.log li,.send{border:1px solid}}
  `);
  root.adoptedStyleSheets = [sheet];

  const badge = el("span", { class: "badge", hidden: true });
  const launch = el("button", { class: "launch", type: "button", "aria-haspopup": "dialog", "aria-expanded": "false", "aria-label": t("open"), onclick: () => show(!opened) }, icon("M4 5h16v11H9l-5 4z"), badge);
  const title = el("h2", { id: "title" });
  const closer = el("button", { class: "x", type: "button", "aria-label": t("close"), onclick: () => show(false) }, icon("M6 6l12 12M18 6L6 18"));
  const notice = el("div", { class: "notice", role: "status", hidden: true });
  const log = el("ol", { class: "log", "aria-label": t("log"), tabindex: "0" });
  const choices = el("div", { class: "choices", hidden: true });
  const composing = el("div", { class: "typing", hidden: true }, t("typing"));
  const input = el("textarea", { rows: "1", "aria-label": t("write"), placeholder: t("write"), maxlength: "4000", oninput: grow, onkeydown: enter });
  const picker = el("input", { type: "file", hidden: true, onchange: chosen });
  const attach = el("button", { class: "tool", type: "button", "aria-label": t("attach"), hidden: true, onclick: () => picker.click() }, icon("M8 12l6-6a3 3 0 014 4l-8 8a5 5 0 01-7-7l7-7"));
  const trap = el("input", { name: "website", tabindex: "-1", autocomplete: "off", "aria-hidden": "true" });
  const form = el("form", { onsubmit: submit }, attach, picker, input, el("div", { class: "trap", "aria-hidden": "true" }, trap), el("button", { class: "tool send", "aria-label": t("send") }, icon("M4 12l16-8-6 16-3-7z")));
  const spoken = el("div", { class: "sr", role: "log", "aria-live": "polite" });
  const panel = el("div", { class: "panel", role: "dialog", "aria-modal": "false", "aria-labelledby": "title", hidden: true }, el("header", {}, title, closer), notice, log, composing, choices, form);
  root.append(panel, launch, spoken);
  root.addEventListener("keydown", (event) => { if (event.key === "Escape" && opened && !full) { event.stopPropagation(); show(false); } });

  const say = (text) => { spoken.textContent = text; };

  function grow() { input.style.height = "auto"; input.style.height = Math.min(input.scrollHeight + 2, 120) + "px"; }
  function enter(event) { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(event); } }
  function submit(event) {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) return;
    input.value = "";
    grow();
    write(text);
    input.focus();
  }
  function chosen() {
    for (const file of picker.files) {
      if (file.size > LARGEST) { pending.push({ id: random(), text: file.name, state: "failed", why: t("large"), lost: true }); draw(true); }
      else write("", file);
    }
    picker.value = "";
  }

  function show(wish, focus = true) {
    opened = full || wish;
    store.set("open", opened ? "1" : "");
    panel.hidden = !opened;
    host.classList.toggle("open", opened);
    launch.setAttribute("aria-expanded", String(opened));
    launch.setAttribute("aria-label", opened ? t("close") : t("open"));
    if (opened) { listen(); draw(true); if (focus) input.focus(); } else if (focus) launch.focus();
  }

  function fail() { notice.textContent = t("away"); notice.hidden = false; input.disabled = true; }

  // Messages that stand there already stay: a screen reader's place and a selection are not lost.
  const drawn = new Map();
  function draw(bottom = false) {
    const atEnd = bottom || log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    const rows = [];
    if (config && config.greeting) rows.push(["greeting", () => bubble(false, config.greeting)]);
    if (!earlierAll && messages.length) rows.push(["earlier", () => el("li", { class: "part" }, el("button", { type: "button", onclick: earlier }, t("earlier")))]);
    for (const one of messages) rows.push(["m" + one.seq, () => bubble(one.mine, one.text, one.files)]);
    for (const one of pending) rows.push(["p" + one.id + one.state, () => draft(one)]);
    const wanted = new Set(rows.map(([name]) => name));
    for (const [name, row] of drawn) if (!wanted.has(name)) { row.remove(); drawn.delete(name); }
    rows.forEach(([name, make], place) => {
      if (!drawn.has(name)) drawn.set(name, make());
      if (log.children[place] !== drawn.get(name)) log.insertBefore(drawn.get(name), log.children[place] || null);
    });
    if (atEnd) log.scrollTop = log.scrollHeight;
    composing.hidden = !typing;
    attach.hidden = !uploads;
    offer();
    const unread = messages.filter((one) => !one.mine && one.seq > readSeq).length;
    badge.hidden = opened || !unread;
    badge.textContent = unread > 99 ? "99+" : String(unread);
    if (!opened) launch.setAttribute("aria-label", unread ? t("open") + ". " + t("fresh") + unread : t("open"));
    if (!input.disabled) {
      const lost = navigator.onLine === false;
      notice.hidden = !running || connected && !lost;
      notice.textContent = lost ? t("offline") : t("waiting");
      if (!lost && !connected && !drawn.size && !messages.length) notice.hidden = true;
    }
    markRead();
  }

  function offer() {
    const last = messages[messages.length - 1];
    const offered = last && !last.mine && !pending.length ? last.choices : [];
    choices.hidden = !offered.length;
    choices.replaceChildren(...offered.map((text) => el("button", { type: "button", onclick: () => write(text) }, text)));
  }

  function bubble(mine, text, files = []) {
    const links = files.filter((file) => /^https?:\/\//.test(file.url)).map((file) =>
      el("a", { href: file.url, target: "_blank", rel: "noopener noreferrer", download: file.name || true }, file.name || t("file")));
    const parts = text ? [text] : [];
    for (const link of links) parts.push(...(parts.length ? ["\n", link] : [link]));
    return el("li", { class: mine ? "mine" : false }, el("span", { class: "sr" }, (mine ? t("you") : config.title || t("us")) + ": "), ...parts);
  }

  function draft(one) {
    const row = bubble(true, one.file ? one.file.name : one.text);
    if (one.state === "sending") row.append(el("small", {}, t("sending")));
    else {
      row.classList.add("failed");
      row.append(el("small", { role: "alert" }, t("failed") + " " + one.why + " "));
      if (!one.lost) row.lastChild.append(el("button", { type: "button", onclick: () => { one.state = "sending"; draw(); flush(); } }, t("retry")));
    }
    return row;
  }

  async function earlier() {
    const first = messages[0].seq;
    const told = await (await call("messages?before=" + first)).json().catch(() => null);
    if (!told) return;
    earlierAll = told.messages.length < 50;
    const height = log.scrollHeight;
    const kept = seq;
    told.messages.forEach(take);
    seq = kept;
    draw();
    log.scrollTop = log.scrollHeight - height;
  }

  // ---- what the page may say ----
  function restart() {
    generation += 1;
    token = "";
    seq = readSeq = 0;
    messages = [];
    pending = pending.filter((one) => one.state === "sending");
    beginning = null;
    if (stream) stream.abort();
    draw();
  }

  window.Trunkline = {
    open: () => show(true),
    close: () => show(false),
    identify(person) { identity = pick(person || {}); input.disabled = false; restart(); if (config) listen(); },
    logout() { identity = {}; pending = []; input.disabled = false; store.drop("key"); store.drop("known"); restart(); show(false, false); },
  };

  async function start() {
    for (let pause = 1000; !config; pause = Math.min(pause * 2, 60000)) {
      try { config = await (await call("config", {})).json(); } catch (error) {
        if (error instanceof Refused && error.status < 500 && error.status !== 429) return;
        await sleep(pause);
      }
    }
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(config.colour.slice(at, at + 2), 16) / 255).map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    const colours = new CSSStyleSheet();  // black or white, whichever can be read on the site's colour
    colours.replaceSync(`:host{--c:${config.colour};--k:${0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff"}}`);
    root.adoptedStyleSheets = [sheet, colours];
    title.textContent = config.title || t("title");
    host.classList.toggle("full", full);
    document.body.append(host);
    // Who never spoke to us costs nothing but this: a session begins with the first opening, or for whom we know.
    if (store.get("known") || identity.user_id || identity.jwt) listen();
    if (full || (store.get("open") && matchMedia("(min-width:481px)").matches)) show(true, false);
    addEventListener("online", () => { draw(); flush(); });
    addEventListener("offline", () => draw());
    document.addEventListener("visibilitychange", markRead);
    addEventListener("storage", (event) => { if (event.key === STORE + "key") restart(); });
  }
  if (document.body) start(); else addEventListener("DOMContentLoaded", start);
})();
