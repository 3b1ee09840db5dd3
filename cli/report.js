"use strict";
const rows = Array.from(document.querySelectorAll("#findings tbody tr"));
const search = document.getElementById("search");
const status = document.getElementById("status");
const risk = document.getElementById("risk");
const shown = document.getElementById("shown");

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let number = 0;
  for (const row of rows) {
    const text = words.length ? row.textContent.toLowerCase() : "";
    const fits =
      (!status.value || row.dataset.status === status.value) &&
      (!risk.value || row.dataset.risk === risk.value) &&
      words.every((word) => text.includes(word));
    row.hidden = !fits;
    number += fits ? 1 : 0;
  }
  shown.textContent = number === rows.length ? `${number} shown` : `${number} of ${rows.length} shown`;
}

document.getElementById("filter").hidden = false;
for (const field of [search, status, risk]) field.addEventListener("input", filter);
filter();
