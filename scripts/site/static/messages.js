/* Copyright: (c) 2026, The evergreen.key_rotation maintainers
   GNU General Public License v3.0 or later (see LICENSE)
   On the runbook: paste a message, and only the rows whose entry fits it are left (or give it as ?message=…).
   Without JavaScript all are shown. */
"use strict";

(() => {
  const page = document.querySelector("section#operations-runbook");
  if (!page) return;

  /* An entry has … for what is filled in; it may be a part of the message. */
  const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const squeezed = (text) => text.replace(/\s+/g, " ").trim();
  const rows = [...page.querySelectorAll("tbody tr")].map((row) => ({
    row,
    text: squeezed(row.textContent).toLowerCase(),
    entries: [...row.cells[0].querySelectorAll("code")].map((code) => {
      const parts = squeezed(code.textContent).split("…").map((part) => part.trim()).filter(Boolean);
      return { size: parts.join("").length, fits: new RegExp(parts.map(escaped).join(".*"), "i") };
    }),
  }));

  const box = document.createElement("form");
  box.className = "messages";
  box.innerHTML =
    '<label for="message">Paste a message, or a word of it</label>' +
    '<input id="message" type="search" autocomplete="off" spellcheck="false">' +
    '<output for="message" aria-live="polite"></output>';
  page.querySelector("h1").after(box);
  const [input, said] = [box.querySelector("input"), box.querySelector("output")];

  const show = () => {
    const pasted = squeezed(input.value);
    const wanted = pasted.toLowerCase();
    const named = rows.filter(({ entries }) => entries.some(({ size, fits }) => size >= 10 && fits.test(pasted)));
    const left = new Set(named.length ? named : rows.filter(({ text }) => text.includes(wanted)));
    for (const item of rows) item.row.hidden = pasted !== "" && !left.has(item);
    for (const part of page.querySelectorAll("section, .table-wrapper")) {
      part.classList.toggle("empty", pasted !== "" && !part.querySelector("tbody tr:not([hidden])"));
    }
    page.classList.toggle("filtered", pasted !== "");
    said.textContent = pasted === "" ? "" : `${left.size} of ${rows.length} rows`;
  };
  input.addEventListener("input", show);
  box.addEventListener("submit", (event) => event.preventDefault());
  input.value = new URLSearchParams(location.search).get("message") ?? "";
  show();
})();
