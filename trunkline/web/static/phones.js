"use strict";

// The wall follows what happens, and writing on it changes nothing but the phone: without this file it reloads.

const AT_MOST_MS = 400;
const wall = document.getElementById("wall");

// Keeps what stands there: a mail that is open, a button that has the focus.
function mend(old, fresh) {
  const bottom = old.scrollHeight - old.scrollTop - old.clientHeight < 40;
  const wanted = [...fresh.children];
  let changed = false;
  wanted.forEach((item, at) => {
    const there = old.children[at];
    const last = at === wanted.length - 1;
    if (there?.id === item.id && there.dataset.state === item.dataset.state && (last || !there.querySelector(".replies"))) return;
    changed = true;
    const known = there && there.id !== item.id && document.getElementById(item.id);
    if (known) while (old.children[at] !== known) old.children[at].remove();
    else if (there?.id === item.id || there?.classList.contains("nothing")) there.replaceWith(item);
    else old.insertBefore(item, there ?? null);
  });
  while (old.children.length > wanted.length) old.lastElementChild.remove();
  if (changed && bottom) old.scrollTop = old.scrollHeight;
}

async function look() {
  const answer = await fetch(wall.dataset.from, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return;
  if (answer.redirected) return document.dispatchEvent(new Event("cut"));
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const screen of wall.querySelectorAll(".screen")) {
    const now = fresh.getElementById(screen.id);
    if (now) mend(screen, now);
  }
}

let running = false;
let again = false;

async function follow() {
  if (running) return (again = true);
  running = true;
  await look().catch(() => {});
  setTimeout(() => {
    running = false;
    if (again) ((again = false), follow());
  }, AT_MOST_MS);
}

async function say(form) {
  const said = { method: "POST", body: new FormData(form), headers: { "X-CSRF": document.body.dataset.csrf } };
  const answer = await fetch(form.action, said).catch(() => null);
  const isSent = Boolean(answer?.ok) && new URL(answer.url).pathname !== "/login";
  form.classList.toggle("refused", !isSent);
  if (!isSent) form.dispatchEvent(new Event("unsent", { bubbles: true }));
  if (!isSent) return form.querySelector("textarea")?.focus();
  form.reset();
  form.querySelector(".attach")?.classList.remove("full");
  const screen = form.closest(".phone").querySelector(".screen");
  screen.scrollTop = screen.scrollHeight;
  follow();
}

if (wall) {
  wall.addEventListener("submit", (event) => {
    if (!event.target.hasAttribute("data-says")) return;
    event.preventDefault();
    say(event.target);
  });
  wall.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.target.nodeName !== "TEXTAREA") return;
    event.preventDefault();
    event.target.form.requestSubmit();
  });
  wall.addEventListener("change", (event) => event.target.closest(".attach")?.classList.toggle("full", event.target.files.length > 0));
  for (const kind of ["live-message", "live-contact", "live-reset"]) document.body.addEventListener(kind, follow);
  for (const screen of wall.querySelectorAll(".screen")) screen.scrollTop = screen.scrollHeight;
}
