(() => {
  const rows = [...document.querySelectorAll("table.rows tbody tr")];
  if (rows.length < 2) return;
  const field = document.createElement("input");
  field.type = "search";
  field.placeholder = "Filter by order, transaction, amount, …";
  field.setAttribute("aria-label", "Filter the rows");
  const count = document.createElement("span");
  count.className = "what";
  count.setAttribute("role", "status");
  const bar = document.createElement("p");
  bar.className = "search";
  bar.append(field, count);
  document.querySelector("details.group").before(bar);
  let texts;
  field.addEventListener("input", () => {
    texts ??= rows.map((row) => row.textContent.toLowerCase());
    const wanted = field.value.trim().toLowerCase();
    let shown = 0;
    rows.forEach((row, at) => {
      row.hidden = !texts[at].includes(wanted);
      shown += !row.hidden;
    });
    for (const group of document.querySelectorAll("details.group")) {
      const some = group.querySelector("tbody tr:not([hidden])");
      group.hidden = !some;
      if (wanted && some) group.open = true;
    }
    count.textContent = wanted ? `${shown} of ${rows.length} rows` : "";
  });
})();
