// A file that is dropped on <div data-drop data-max-bytes="n"> goes into the file input inside; its kind is guessed from
// its name, and one that is too large is told before it is sent. The plain file input works without this.
"use strict";

const KINDS = [
  [/\.xls[xm]?$/i, "rvtools"],
  [/\.csv\.gz$/i, "performance_csv"],
  [/\.csv$/i, "azure_migrate_csv"],
];

function guessKind(form, name) {
  const choice = form.elements.namedItem("format");
  if (!choice || choice.dataset.chosen !== undefined) return;
  const found = KINDS.find(([ending]) => ending.test(name));
  if (found && [...choice.options].some((option) => option.value === found[1])) choice.value = found[1];
}

function checkSize(input, most) {
  const file = input.files[0];
  const large = file && most && file.size > most;
  const mebibytes = Math.floor(most / 1048576);
  input.setCustomValidity(large ? `The file is larger than ${mebibytes} MiB. Send it over the API.` : "");
  if (large) input.reportValidity();
}

function takeFile(zone, input, event) {
  event.preventDefault();
  zone.classList.remove("over");
  if (!event.dataTransfer.files.length) return;
  const one = new DataTransfer();
  one.items.add(event.dataTransfer.files[0]);
  input.files = one.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

for (const zone of document.querySelectorAll("[data-drop]")) {
  const input = zone.querySelector("input[type=file]");
  zone.querySelector(".drop-words").hidden = false;
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => takeFile(zone, input, event));
  input.addEventListener("change", () => {
    checkSize(input, Number(zone.dataset.maxBytes));
    if (input.files[0]) guessKind(input.form, input.files[0].name);
  });
  input.form.elements.namedItem("format")?.addEventListener("change", (event) => { event.target.dataset.chosen = ""; });
}
