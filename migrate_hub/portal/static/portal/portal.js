// On every page: copying secrets, printing, ticking all, wide tables by keyboard, no form sent twice or into nothing.
// Every page works without it.
"use strict";

function copyText(button) {
  const text = document.getElementById(button.dataset.copy).textContent.trim();
  const label = button.querySelector("span");
  const before = label.textContent;
  navigator.clipboard.writeText(text).then(
    () => { label.textContent = "Copied"; },
    () => { label.textContent = "Select and copy"; },
  ).finally(() => setTimeout(() => { label.textContent = before; }, 2500));
}

function sendOnce(event) {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent !== undefined) { event.preventDefault(); return; }
  if (!navigator.onLine) { // what was typed stays; live.js tells
    event.preventDefault();
    window.dispatchEvent(new Event("offline"));
    return;
  }
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

// A table wider than its place is scrolled by the arrow keys, also where nothing in it takes the keyboard.
function letScroll(box) {
  const isStuck = box.scrollWidth > box.clientWidth && !box.querySelector("a[href], button, input, select, summary");
  if (!isStuck) { for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name); return; }
  const title = box.querySelector("caption") ?? box.closest("section, details, li")?.querySelector("h2, h3, summary");
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", (title?.textContent ?? "Table").trim());
}

const widths = new ResizeObserver((changes) => { for (const each of changes) letScroll(each.target); });

function watchTables() {
  for (const box of document.querySelectorAll(".table-box:not([role])")) widths.observe(box);
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
document.addEventListener("htmx:afterSwap", watchTables);
watchTables();
for (const button of document.querySelectorAll("[data-copy], [data-print]")) button.hidden = false;
