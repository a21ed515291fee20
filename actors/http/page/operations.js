// The table of operations: filtered by name, sorted by any column.
import { at, fill, make, row } from "./elements.js";
import { count, milliseconds, nanoseconds, percent } from "./format.js";

const columns = [
  { title: "Operation", value: (o) => o.name, show: String, least: true },
  { title: "Hit ratio of late", value: (o) => o.recent?.hit_percent, show: percent },
  { title: "in all", value: (o) => o.total?.hit_percent, show: percent },
  { title: "Gets", value: (o) => o.total?.answered, show: count },
  { title: "Hits", value: (o) => o.total?.hits, show: count },
  { title: "Misses", value: (o) => o.total?.misses, show: count },
  { title: "Puts", value: (o) => o.puts, show: count },
  { title: "Tokens saved", value: (o) => o.saved_tokens, show: count },
  { title: "p50", value: (o) => o.nanoseconds?.p50, show: nanoseconds },
  { title: "p99", value: (o) => o.nanoseconds?.p99, show: nanoseconds },
  { title: "Life", value: (o) => o.ttl_ms, show: milliseconds },
];

let all = [];
let by = 3;
let falling = true;

const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);

/** What is not known comes last, whichever way is sorted. */
function inOrder(x, y) {
  const a = columns[by].value(x);
  const b = columns[by].value(y);
  if (a === undefined || b === undefined) return (a === undefined) - (b === undefined) || compare(x.name, y.name);
  return (falling ? -1 : 1) * compare(a, b) || compare(x.name, y.name);
}

function head() {
  const cells = columns.map((c, i) => {
    const button = make("button", c.title, { type: "button" });
    button.addEventListener("click", () => {
      falling = i === by ? !falling : !c.least;
      by = i;
      marks();
      draw();
    });
    return make("th", button, { scope: "col", class: c.least ? "" : "n" });
  });
  at("operations-table").tHead.replaceChildren(make("tr", cells));
  marks();
}

function marks() {
  [...at("operations-table").tHead.rows[0].cells].forEach((cell, i) => {
    if (i === by) cell.setAttribute("aria-sort", falling ? "descending" : "ascending");
    else cell.removeAttribute("aria-sort");
  });
}

function draw() {
  const wanted = at("operations-filter").value.trim().toLowerCase();
  const shown = all.filter((o) => o.name.toLowerCase().includes(wanted)).sort(inOrder);
  fill("operations-table", shown.map((o) => row(columns.map((c) => c.show(c.value(o))))),
    all.length === 0 ? "nothing was asked yet" : "no name holds that");
  const told = `${count(shown.length)} of ${count(all.length)}`;
  if (at("operations-count").textContent !== told) at("operations-count").textContent = told;
}

export function startOperations() {
  head();
  at("operations-filter").addEventListener("input", draw);
}

export function showOperations(summary) {
  all = Object.entries(summary.operations ?? {}).map(([name, o]) => ({ name, ...o }));
  draw();
}
