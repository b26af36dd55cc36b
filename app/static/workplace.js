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
  } else if (event.key === "?") {
    event.preventDefault();
    const keys = document.getElementById("keys");
    if (keys.open) keys.close();
    else keys.showModal();
  }
});

document.querySelector("[data-focus]")?.focus();
