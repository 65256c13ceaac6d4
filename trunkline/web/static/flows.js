"use strict";

// Flows work without this file. With it the drawing shows where the played contact went, and forms hide what is of no use.

function trace() {
  const phone = document.getElementById("phone");
  const passed = (phone?.dataset.nodes ?? "").split(" ").filter(Boolean);
  for (const node of document.querySelectorAll("svg [data-node]")) {
    node.classList.toggle("passed", passed.includes(node.dataset.node));
    node.classList.toggle("here", node.dataset.node === passed.at(-1));
  }
}

function talk() {
  const said = document.querySelector("#phone .talk");
  if (!said) return;
  said.scrollTop = said.scrollHeight;
  document.querySelector("#phone [data-answer]")?.focus({ preventScroll: true });
}

document.addEventListener("htmx:after:swap", (event) => {
  trace();
  const id = event.detail.ctx?.target?.id;
  if (id === "phone") talk();
  if (id === "chosen") document.getElementById("chosen").scrollIntoView({ block: "nearest" });
});

document.addEventListener("click", (event) => {
  const node = event.target.closest?.("svg [data-node]");
  if (!node) return;
  document.querySelectorAll("svg .chosen").forEach((each) => each.classList.remove("chosen"));
  node.classList.add("chosen");
});

// Parts of a form that belong to one choice of several.
for (const form of document.querySelectorAll("[data-kinds]")) {
  const chooser = form.querySelector("[data-chooses]");
  const show = () => form.querySelectorAll("[data-for]").forEach((each) => (each.hidden = each.dataset.for !== chooser.value));
  chooser.addEventListener("change", show);
  show();
}

trace();
talk();
