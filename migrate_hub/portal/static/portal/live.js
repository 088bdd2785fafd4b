// Parts of pages that change by themselves, over htmx: asked for in sight only, swapped when they differ, the keyboard
// stays where it was, and a lost connection is told until it is back.
// <section id="x" hx-get="URL" hx-trigger="every 2s" hx-swap="outerHTML" data-says="Computing">
"use strict";

const RETRY_MS = 5000;
const TOLD_MS = 4000;
const LOST = "The connection to the hub is lost. Trying again every few seconds.";
const UNWELL = "The hub cannot answer right now. Trying again every few seconds.";
const NEW_EACH_TIME = /name="(csrfmiddlewaretoken|form_key)" value="[^"]*"/g;

let triedAt = 0; // of the last try that failed; 0: connected
let retry = 0;
const seen = new Map(); // id of a part -> what it showed last
const said = new Map(); // id of a part -> what was last said of it

function tell(text, look) {
  const box = document.getElementById("connection");
  if (!box) return;
  box.textContent = text;
  box.className = `connection ${text ? look : ""}`;
}

function lose(text) {
  triedAt = Date.now();
  tell(text, "warn");
  clearTimeout(retry);
  retry = setTimeout(knock, RETRY_MS);
}

// For pages of which no part is asked for again: is the hub back?
function knock() {
  if (!triedAt) return;
  if (document.hidden) { retry = setTimeout(knock, RETRY_MS); return; }
  fetch(location.href, { method: "HEAD", cache: "no-store", redirect: "manual" })
    .then((answer) => { if (answer.status >= 500) lose(UNWELL); else find(); }, () => lose(LOST));
}

function find() {
  if (!triedAt) return;
  triedAt = 0;
  clearTimeout(retry);
  tell("Connected again.", "good");
  setTimeout(() => { if (!triedAt) tell("", ""); }, TOLD_MS);
}

function isPolled(part) {
  return (part.getAttribute("hx-trigger") || "").startsWith("every ");
}

function isByItself(detail) {
  return isPolled(detail.elt) && !detail.requestConfig.triggeringEvent;
}

function waitItsTurn(event) {
  if (!isByItself(event.detail)) return;
  if (document.hidden || (triedAt && Date.now() - triedAt < RETRY_MS)) event.preventDefault();
}

function refused(event) {
  const { xhr, elt } = event.detail;
  if (xhr.status >= 500 || xhr.status === 429) { lose(UNWELL); return; }
  find();
  if (isPolled(elt)) { location.reload(); return; } // it is gone, or the role is: the page says so
  const plain = (xhr.getResponseHeader("Content-Type") || "").startsWith("text/plain");
  tell(plain ? xhr.responseText : "That did not work. Reload the page and try again.", "bad");
}

// What a control does: whoever has the keyboard on it stays there when its part of the page is replaced.
function placeOf(control) {
  const where = control.closest("form")?.getAttribute("action") ?? control.getAttribute("href") ?? "";
  return `${control.tagName} ${where} ${control.name ?? ""} ${control.value ?? ""}`;
}

let held = null;

function beforeSwap(event) {
  const { target, xhr, elt } = event.detail;
  if (!(target instanceof Element)) return;
  if (isPolled(elt)) {
    const fresh = xhr.responseText.replace(NEW_EACH_TIME, "");
    const typing = target.querySelector("input:focus, select:focus, textarea:focus");
    if (typing || (target.id && seen.get(target.id) === fresh)) { event.detail.shouldSwap = false; return; }
    seen.set(target.id, fresh);
  }
  const active = document.activeElement;
  held = active && active !== document.body && target.contains(active) ? placeOf(active) : null;
}

function afterSwap(event) {
  const part = event.target;
  if (held && (!document.activeElement || document.activeElement === document.body)) {
    [...part.querySelectorAll("a, button, summary, [tabindex]")].find((each) => placeOf(each) === held)?.focus();
  }
  held = null;
  say(part);
}

// Swapped parts are no live regions, which would read all of themselves each time: what matters is said in one place.
function say(part) {
  const text = part.dataset?.says;
  if (!part.id || text === undefined || said.get(part.id) === text) return;
  said.set(part.id, text);
  const place = document.getElementById("spoken");
  if (place) place.textContent = text;
}

for (const part of document.querySelectorAll("[data-says]")) said.set(part.id, part.dataset.says);
document.addEventListener("htmx:beforeRequest", waitItsTurn);
document.addEventListener("htmx:sendError", () => lose(LOST));
document.addEventListener("htmx:timeout", () => lose(LOST));
document.addEventListener("htmx:responseError", refused);
document.addEventListener("htmx:afterOnLoad", (event) => { if (event.detail.successful) find(); });
document.addEventListener("htmx:beforeSwap", beforeSwap);
document.addEventListener("htmx:afterSwap", afterSwap);
window.addEventListener("offline", () => lose(LOST));
window.addEventListener("online", knock);
