// Why: what a page does beyond links and forms: keys, the token htmx sends, and where the focus goes after an error.
"use strict";

document.addEventListener("htmx:config:request", (event) => {
  const token = document.querySelector('meta[name="csrf-token"]').content;
  event.detail.ctx.request.headers["X-CSRFToken"] = token;
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  } else if (["j", "k", "ArrowDown", "ArrowUp"].includes(event.key)) {
    const rows = [...document.querySelectorAll("[data-row]")];
    if (!rows.length) return;
    const here = rows.indexOf(event.target.closest("[data-row]"));
    const next = Math.max(0, Math.min(rows.length - 1, here + (event.key === "j" || event.key === "ArrowDown" ? 1 : -1)));
    event.preventDefault();
    rows[next].querySelector("[data-take]").focus();
  } else if (event.key === "?") {
    event.preventDefault();
    const keys = document.getElementById("keys");
    if (keys.open) keys.close();
    else keys.showModal();
  }
});

// On a phone a row is read as a card, so each cell says by itself what its column is called (style.css, .folds).
function fold(table) {
  const titles = [...(table.tHead?.rows[0]?.cells ?? [])].map((head) => head.firstChild?.textContent.trim() ?? "");
  if (!titles.length) return;
  for (const row of [...table.tBodies, table.tFoot].flatMap((part) => [...(part?.rows ?? [])])) {
    if (row.cells.length !== titles.length) continue;
    [...row.cells].forEach((cell, at) => cell.tagName === "TD" && titles[at] && (cell.dataset.title ??= titles[at]));
  }
  table.classList.add("folds");
}

const foldAll = () => document.querySelectorAll(".table-wrap > table").forEach(fold);
document.addEventListener("htmx:after:swap", foldAll);
foldAll();

document.querySelector("[data-focus]")?.focus();
