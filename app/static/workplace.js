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

document.querySelector("[data-focus]")?.focus();
