// What is typed into a form of ours stays in this tab until the server has it: it comes back with the page after the
// session ended, the network was lost or the server was started again. Where there is doubt, the server is asked before
// a form leaves whether it can be reached and who is signed in. Passwords, keys and files are never kept.

const WAIT_MS = 10_000;
const FRESH_MS = 5000;
const OURS = "main form[method=post]:not([data-hx-post])";
const NEVER = "[type=password], [type=file], [type=hidden], [data-secret], [autocomplete=one-time-code], table *, button";
const { user, workspace } = document.body.dataset;
const words = document.getElementById("typed-words").dataset;
const mine = `${user} ${workspace} `;

// --- The drawer: `typed` is being written, `sent` left and is not known to have arrived. ---

const store = (name, value) => {
  try {
    sessionStorage.setItem(name, JSON.stringify(value));
  } catch {
    // A full or forbidden storage: the page still holds what was typed.
  }
};
const take = (name) => {
  const kept = JSON.parse(sessionStorage.getItem(name) ?? "null");
  sessionStorage.removeItem(name);
  return kept;
};
const names = (kind) => Object.keys(sessionStorage).filter((name) => name.startsWith(`${kind} `));

const fields = (form) => [...form.elements].filter((field) => field.name && !field.matches(NEVER));

function key(form) {
  const alike = [...document.querySelectorAll(OURS)].filter((each) => each.getAttribute("action") === form.getAttribute("action"));
  return `typed ${mine}${location.pathname} ${form.getAttribute("action") ?? ""} ${alike.indexOf(form)}`;
}

function valuesOf(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked;
  return field.type === "select-multiple" ? [...field.selectedOptions].map((each) => each.value) : field.value;
}

function put(field, value) {
  if (typeof value === "boolean") field.checked = value;
  else if (Array.isArray(value)) [...field.options].forEach((each) => (each.selected = value.includes(each.value)));
  else field.value = value;
}

function keep(form) {
  const name = key(form);
  const once = JSON.parse(sessionStorage.getItem(name) ?? "{}").once;
  const hasFile = [...form.elements].some((field) => field.type === "file" && field.value);
  store(name, { once, hasFile, path: location.pathname + location.search, values: fields(form).map((each) => [each.name, valuesOf(each)]) });
}

function fill(form, values) {
  const left = [...values];
  for (const field of fields(form)) {
    const at = left.findIndex(([name]) => name === field.name);
    if (at >= 0) put(field, left.splice(at, 1)[0][1]);
  }
  // Previews and counters follow what is typed.
  form.dispatchEvent(new Event("input", { bubbles: true }));
}

// --- Telling ---

function tell(form, text, label, act) {
  const told = document.createElement("p");
  told.className = "banner warn";
  told.setAttribute("role", "alert");
  told.dataset.typed = "";
  told.append(text, " ", label ? act(label) : "");
  if (form.previousElementSibling?.hasAttribute("data-typed")) form.previousElementSibling.remove();
  form.before(told);
  told.scrollIntoView({ block: "nearest" });
}

function leading(href, label) {
  const link = document.createElement("a");
  Object.assign(link, { href, textContent: label });
  return link;
}

const signIn = (label) => leading("/login", label);
const top = () => document.querySelector("main").firstElementChild;

function discarding(form) {
  return (label) => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "quiet small", textContent: label });
    button.onclick = () => {
      form.reset();
      sessionStorage.removeItem(key(form));
      button.parentElement.remove();
      form.dispatchEvent(new Event("input", { bubbles: true }));
    };
    return button;
  };
}

const wail = (form, trouble) => tell(form, words[trouble], trouble === "out" && words.signin, signIn);

// --- Asking the server who is signed in, and whether a form has arrived. ---

async function ask(once = "") {
  try {
    const answer = await fetch(`/session?sent=${once}`, { signal: AbortSignal.timeout(WAIT_MS), cache: "no-store" });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

function troubleOf(found) {
  if (!found) return "lost";
  if (found.user === null) return "out";
  return String(found.user) !== user || found.workspace !== workspace ? "other" : "";
}

// Somebody who signed in again in another tab has another token.
function renew(csrf) {
  document.querySelectorAll(`input[type=hidden][value="${CSS.escape(document.body.dataset.csrf)}"]`).forEach((each) => (each.value = csrf));
  document.body.dataset.csrf = csrf;
}

async function check(form, submitter) {
  form.ariaBusy = "true";
  const found = await ask();
  form.ariaBusy = null;
  const trouble = troubleOf(found);
  if (trouble) {
    delete form.dataset.sured;
    return wail(form, trouble);
  }
  renew(found.csrf);
  form.dataset.checked = "yes";
  form.requestSubmit(submitter);
}

const uuid = () => crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");

// On its way, with a number of its own: the same number is never done twice.
function send(form) {
  if (!fields(form).length) return;
  keep(form);
  const kept = take(key(form));
  kept.once ??= uuid();
  store(`sent ${mine}${kept.once}`, { ...kept, key: key(form) });
  const number = form.querySelector("input[name=once]") ?? form.appendChild(document.createElement("input"));
  Object.assign(number, { type: "hidden", name: "once", value: kept.once });
}

// Each page tells the other tabs as whom it came: after another sign-in or another workspace they ask.
const tabs = window.BroadcastChannel ? new BroadcastChannel("trunkline tabs") : {};
const signed = () => mine + document.body.dataset.csrf;
let isOther = !window.BroadcastChannel;
tabs.onmessage = ({ data }) => (isOther = data !== signed());
tabs.postMessage?.(signed());

// A page that has just come, and one that hears the server, knows that it is signed in.
const isSure = () => navigator.onLine && !isOther && (performance.now() < FRESH_MS || document.body.dataset.heard === "yes");

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches(OURS) || form.matches("[data-says]")) return;
  if (form.dataset.checked || isSure()) {
    delete form.dataset.checked;
    return send(form);
  }
  event.preventDefault();
  if (form.ariaBusy !== "true") check(form, event.submitter);
});

for (const kind of ["input", "change"]) {
  document.addEventListener(kind, ({ target }) => {
    if (target.form?.matches?.(OURS) && !target.matches(NEVER)) keep(target.form);
  });
}
document.addEventListener("reset", ({ target }) => target.matches(OURS) && sessionStorage.removeItem(key(target)));

// Who cancels wants it no more; who signs out leaves nothing behind; who signs in comes back here.
document.addEventListener("click", ({ target }) => {
  const form = target.closest(".actions a") && target.closest(OURS);
  if (form) sessionStorage.removeItem(key(form));
  if (target.closest('a[href="/login"]')) store("back", { mine, path: location.pathname + location.search });
});
document.querySelector('form[action="/logout"]')?.addEventListener("submit", () => sessionStorage.clear());

// A script of the page could not send a form, or a stream was refused: say why.
document.addEventListener("unsent", async ({ target }) => {
  const trouble = troubleOf(await ask());
  if (trouble) wail(target, trouble);
});
document.addEventListener("cut", async () => {
  const found = await ask();
  if (found?.user !== null || document.querySelector(".toast[data-out]")) return;
  if (!document.body.dispatchEvent(new Event("signed-out", { cancelable: true }))) return;
  const told = document.createElement("p");
  told.className = "toast";
  told.dataset.out = "";
  told.append(words.out, " ", signIn(words.signin));
  document.querySelector(".toasts").append(told);
});

// --- A page comes: what was sent is asked for, what was not taken is put back where it was typed. ---

const at = (name) => [...document.querySelectorAll(OURS)].find((form) => key(form) === name);

// The page that a form led to speaks for itself.
function isAnswer(path) {
  const came = performance.getEntriesByType("navigation")[0];
  const from = document.referrer && new URL(document.referrer);
  return came?.type === "navigate" && (came.redirectCount > 0 || (from && from.pathname + from.search === path));
}

async function settle(isKept) {
  for (const name of names("sent")) {
    const found = await ask(name.split(" ").at(-1));
    if (!found) return;
    const kept = take(name);
    if (!kept) continue;
    const form = at(kept.key);
    if (found.sent === "taken") {
      if (isKept || !isAnswer(kept.path)) tell(form ?? top(), words.taken);
      if (isKept) form?.reset();
    } else if (!sessionStorage.getItem(kept.key)) {
      const isRunning = found.sent === "running";
      store(kept.key, { ...kept, isRunning, once: isRunning ? undefined : kept.once });
      if (!form) tell(top(), words.astray, words.goon, (label) => leading(kept.path, label));
    }
  }
}

function restore() {
  for (const form of document.querySelectorAll(OURS)) {
    const kept = JSON.parse(sessionStorage.getItem(key(form)) ?? "null");
    if (!kept) continue;
    fill(form, kept.values);
    if ("refused" in document.body.dataset) continue;
    const text = [kept.isRunning ? words.running : words.restored, kept.hasFile ? words.files : ""].join(" ");
    tell(form, text, words.discard, discarding(form));
  }
}

function goBack() {
  if (!take("signing in")) return false;
  const back = take("back") ?? { mine, path: names("typed").map((name) => JSON.parse(sessionStorage.getItem(name)).path)[0] };
  if (back.mine !== mine || !back.path || back.path === location.pathname + location.search) return false;
  location.replace(back.path);
  return true;
}

async function begin(isKept) {
  // Of whoever sat here before, nothing is shown and nothing stays.
  for (const kind of ["typed", "sent"]) names(kind).filter((name) => !name.startsWith(`${kind} ${user} `)).forEach((name) => sessionStorage.removeItem(name));
  await settle(isKept);
  if (!goBack()) restore();
}

begin(false);
addEventListener("pageshow", (event) => event.persisted && begin(true));
