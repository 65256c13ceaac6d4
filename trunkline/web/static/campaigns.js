"use strict";

// --- The mail beside its form: a frame of its own, asked for with what was typed. ---

const WAIT_MS = 700;
const form = document.querySelector("form[data-letter]");

// A fresh frame each time: the old one's pages would stand between the reader and the back button.
function show() {
  const old = document.querySelector("iframe[name=letter]");
  if (!old) return;
  const frame = old.cloneNode();
  frame.removeAttribute("src");
  old.replaceWith(frame);
  const sent = document.createElement("form");
  Object.assign(sent, { method: "post", action: form.dataset.letter, target: "letter", hidden: true });
  for (const [name, value] of new FormData(form)) {
    const field = document.createElement("textarea");
    Object.assign(field, { name, value });
    sent.append(field);
  }
  document.body.append(sent);
  sent.submit();
  sent.remove();
}

let waiting = 0;
form?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(show, WAIT_MS);
});

// Ticking a box chooses what the box belongs to.
document.querySelector("#audience")?.addEventListener("change", (event) => {
  const owner = event.target.closest("[data-for]")?.dataset.for;
  const radio = owner && document.querySelector(`#audience [name=audience][value="${owner}"]`);
  if (radio) radio.checked = true;
});

// --- The curve of a report: how the numbers grew. ---

const COLOURS = ["--soft", "--good", "--bad", "--accent", "--edge", "--warn", "--ink"];
const colour = (name) => {
  // Canvas knows no light-dark(): an element tells what the colour is just now.
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
};

async function draw(place) {
  const answer = await fetch(place.dataset.plot, { headers: { Accept: "application/json" } });
  if (!answer.ok || answer.redirected) return;
  const { times, counts } = await answer.json();
  const told = Object.entries(counts).filter(([, values]) => values.some(Boolean));
  place.hidden = !times.length || !told.length;
  if (place.hidden) return;
  // From nothing on, so that there is a line even when all happened at once.
  const moments = [times[0] - 60, ...times];
  const grown = told.map(([, values]) => ((sum) => [0, ...values.map((value) => (sum += value))])(0));
  const lines = told.map(([name], at) => ({
    label: place.dataset[name],
    stroke: colour(COLOURS[Object.keys(counts).indexOf(name)] ?? COLOURS[at]),
    width: 2,
    points: { show: times.length < 2 },
  }));
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--edge"), width: 1 }, ticks: { show: false } };
  place.replaceChildren();
  const size = { width: place.clientWidth - 32, height: 240 };
  new uPlot({ ...size, series: [{ label: place.dataset.time }, ...lines], axes: [axis, { ...axis, size: 60 }] }, [moments, ...grown], place);
}

for (const place of document.querySelectorAll("[data-plot]")) {
  let again = 0;
  draw(place);
  document.body.addEventListener("live-campaign", () => {
    clearTimeout(again);
    again = setTimeout(() => draw(place), 1500);
  });
}
