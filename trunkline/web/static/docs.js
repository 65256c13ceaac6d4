"use strict";

// The form that sends real requests. The key is read from its field when a request goes out, and kept nowhere.

const trying = document.querySelector("[data-try]");
const [token, endpoint, values, body, url] = ["token", "endpoint", "values", "body", "url"].map((name) => document.getElementById(`try-${name}`));

const chosen = () => document.querySelector(`[data-endpoint="${CSS.escape(endpoint.value)}"]`);

// Fields for what stands in the path and behind the question mark, and an example of the body.
function show() {
  const section = chosen();
  values.replaceChildren(...[...section.querySelectorAll("[data-value]")].map(field));
  const takesBody = section.dataset.media === "application/json";
  document.getElementById("try-body-field").hidden = !takesBody;
  body.value = takesBody ? section.dataset.body : "";
  document.getElementById("try-file-field").hidden = section.dataset.media !== "multipart/form-data";
  preview();
}

function field(row) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { name: row.dataset.value, value: row.dataset.sample, spellcheck: false });
  input.dataset.where = row.dataset.where;
  label.append(row.dataset.value, input);
  return label;
}

// The address as it is now; `shown` leaves out the key.
function address(shown) {
  const asked = new URLSearchParams();
  let path = chosen().dataset.path;
  for (const input of values.querySelectorAll("input")) {
    if (input.dataset.where === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.value) asked.append(input.name, input.value);
  }
  if (trying.dataset.query && token.value && !shown) asked.append(trying.dataset.query, token.value);
  return trying.dataset.address + path + (asked.size ? `?${asked}` : "");
}

const preview = () => (url.textContent = `${chosen().dataset.method} ${address(true)}`);

async function send(event) {
  event.preventDefault();
  const { method, media } = chosen().dataset;
  const headers = { Accept: "application/json" };
  if (token.value && trying.dataset.header) headers[trying.dataset.header] = trying.dataset.prefix + token.value;
  const options = { method, headers, credentials: "omit", cache: "no-store" };
  // Somebody who is signed in and gives no key asks as themselves; the proof is for what changes something.
  if (!token.value && trying.dataset.csrf) {
    options.credentials = "same-origin";
    headers["X-CSRFToken"] = trying.dataset.csrf;
  }
  if (media === "application/json") {
    headers["Content-Type"] = "application/json";
    options.body = body.value;
  } else if (media === "multipart/form-data") {
    options.body = new FormData();
    for (const file of document.getElementById("try-file").files) options.body.append("file", file);
  }
  const began = performance.now();
  try {
    const answer = await fetch(address(false), options);
    const text = await answer.text();
    told(`${answer.status} ${answer.statusText}`, began, [...answer.headers].map((pair) => pair.join(": ")).join("\n"), pretty(text));
  } catch (error) {
    told(trying.dataset.failed, began, "", String(error));
  }
}

function told(status, began, headers, text) {
  document.getElementById("try-answer").hidden = false;
  document.getElementById("try-status").textContent = status;
  document.getElementById("try-time").textContent = `${Math.round(performance.now() - began)} ms`;
  document.getElementById("try-headers").textContent = headers;
  document.getElementById("try-text").textContent = text;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text.slice(0, 100000);
  }
}

endpoint.addEventListener("change", show);
trying.addEventListener("input", preview);
trying.querySelector("form").addEventListener("submit", send);
document.addEventListener("click", (event) => {
  const wanted = event.target.closest("[data-tries]");
  if (wanted) {
    endpoint.value = wanted.dataset.tries;
    show();
  }
});
document.querySelector("[data-narrows]").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase();
  for (const entry of document.querySelectorAll("#endpoints ol li")) entry.hidden = !entry.textContent.toLowerCase().includes(words);
});
show();
