// Read from a disk, no page may read another one: then search shows titles, and no line of each page found.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// On a telephone a table of three columns or more is shown cell below cell (site.css), each with its column's name.
document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("article table.docutils")) {
    const names = Array.from(table.querySelectorAll("thead th"), (cell) => cell.textContent.trim());
    if (names.length < 3) continue;
    table.classList.add("stacks");
    for (const row of table.tBodies[0].rows)
      Array.from(row.cells).forEach((cell, place) => {
        cell.classList.toggle("empty", !cell.textContent.trim());
        if (names[place]) cell.dataset.column = names[place];
      });
  }
});
