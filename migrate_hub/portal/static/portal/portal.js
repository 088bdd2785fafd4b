// The portal's only script: copying secrets, progress without a reload, and no form sent twice.
// Every page works without it.
"use strict";

const RETRY_SECONDS = 10;

function copyText(button) {
  const text = document.getElementById(button.dataset.copy).textContent.trim();
  const label = button.querySelector("span");
  const before = label.textContent;
  navigator.clipboard.writeText(text).then(
    () => { label.textContent = "Copied"; },
    () => { label.textContent = "Select and copy"; },
  ).finally(() => setTimeout(() => { label.textContent = before; }, 2500));
}

// <section data-poll="URL" data-seconds="2">: replaced by what URL answers, until the answer no longer asks for more.
function poll(section) {
  const seconds = section.hasAttribute("data-lost") ? RETRY_SECONDS : Number(section.dataset.seconds || 2);
  setTimeout(async () => {
    if (!section.isConnected) return;
    if (document.hidden) { poll(section); return; }
    try {
      const answer = await fetch(section.dataset.poll, { headers: { "X-Requested-With": "fetch" } });
      if (answer.redirected || answer.status === 404 || answer.status === 403) { location.reload(); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      replace(section, await answer.text());
    } catch {
      section.setAttribute("data-lost", "");
      poll(section);
    }
  }, seconds * 1000);
}

// What a link or button leads to: whoever has the keyboard on it stays there when its section is replaced.
function placeOf(control) {
  return `${control.closest("form")?.getAttribute("action") ?? control.getAttribute("href")} ${control.value ?? ""}`;
}

function replace(section, html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const fresh = parsed.body.firstElementChild;
  if (!fresh) return;
  if (fresh.dataset.done !== undefined && section.dataset.done === undefined) { location.reload(); return; }
  const held = section.contains(document.activeElement) ? placeOf(document.activeElement) : null;
  section.replaceWith(fresh);
  if (held) [...fresh.querySelectorAll("a, button")].find((each) => placeOf(each) === held)?.focus();
  if (fresh.dataset.poll) poll(fresh);
}

function sendOnce(event) {
  const form = event.target;
  if (form.dataset.sent !== undefined) { event.preventDefault(); return; }
  if (form.method !== "post") return;
  form.dataset.sent = "";
  for (const button of form.querySelectorAll("button:not([type=button])")) button.setAttribute("aria-disabled", "true");
}

// A page that comes back from the browser's history may be sent again, and one that a signed-out person sees is reloaded.
function wake(event) {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  }
  if (event.persisted) location.reload();
}

// <input data-checks="machines">: ticks every box of that name in its form; the count stands in [data-count="machines"].
function countChecked(form, name) {
  const boxes = [...form.querySelectorAll(`input[type=checkbox][name="${name}"]`)];
  const checked = boxes.filter((box) => box.checked).length;
  for (const place of form.querySelectorAll(`[data-count="${name}"]`)) place.textContent = checked;
  for (const all of form.querySelectorAll(`[data-checks="${name}"]`)) {
    all.checked = checked > 0 && checked === boxes.length;
    all.indeterminate = checked > 0 && checked < boxes.length;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copyText(button);
  const printing = event.target.closest("[data-print]");
  if (printing) window.print();
});

document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.dataset.checks) {
    for (const each of box.form.querySelectorAll(`input[type=checkbox][name="${box.dataset.checks}"]`)) each.checked = box.checked;
    countChecked(box.form, box.dataset.checks);
  } else if (box.type === "checkbox" && box.form) {
    countChecked(box.form, box.name);
  }
});

document.addEventListener("submit", sendOnce);
window.addEventListener("pageshow", wake);
for (const button of document.querySelectorAll("[data-copy], [data-print]")) button.hidden = false;
for (const section of document.querySelectorAll("[data-poll]")) poll(section);
