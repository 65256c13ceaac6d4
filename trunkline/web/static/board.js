"use strict";

// Cards of the pipeline are dragged to another stage or place; the server keeps the order and tells everybody.

let dragged = null;

const stageOf = (event) => event.target.closest?.("[data-stage]");

document.addEventListener("dragstart", (event) => {
  dragged = event.target.closest?.("[data-company]");
  dragged?.classList.add("dragged");
});

document.addEventListener("dragend", () => {
  dragged?.classList.remove("dragged");
  document.querySelectorAll(".stage.over").forEach((stage) => stage.classList.remove("over"));
  dragged = null;
});

document.addEventListener("dragover", (event) => {
  const stage = dragged && stageOf(event);
  if (!stage) return;
  event.preventDefault();
  document.querySelectorAll(".stage.over").forEach((each) => each !== stage && each.classList.remove("over"));
  stage.classList.add("over");
});

document.addEventListener("drop", async (event) => {
  const stage = dragged && stageOf(event);
  if (!stage) return;
  event.preventDefault();
  const cards = [...stage.querySelectorAll("[data-company]")].filter((card) => card !== dragged);
  const below = cards.findIndex((card) => event.clientY < card.getBoundingClientRect().top + card.offsetHeight / 2);
  const position = below < 0 ? cards.length : below;
  const company = dragged.dataset.company;
  stage.querySelector("ol").insertBefore(dragged, cards[below] ?? null);
  const body = new URLSearchParams({ stage: stage.dataset.stage, position });
  await fetch(`/companies/${company}/place`, { method: "POST", body, headers: { "X-CSRF": document.body.dataset.csrf } });
  document.getElementById("moving").dispatchEvent(new Event("board-moved"));
});
