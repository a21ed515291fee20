// Parts of the page. Everything that a node says goes in as text, never as markup: names come from callers.

export const at = (id) => document.getElementById(id);

/** make("td", "12", { class: "n" }); children are texts or elements. */
export function make(name, children = [], attributes = {}) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...[children].flat());
  return element;
}

/**
 * A row: the first cell is its head, the others are numbers unless they are elements. `mark` names the
 * colour that stands before the head.
 */
export function row([head, ...cells], mark) {
  const name = mark ? [make("span", [], { class: `mark ${mark}` }), head] : [head];
  return make("tr", [make("th", name, { scope: "row" }),
    ...cells.map((c) => (c instanceof Element ? c : make("td", c, { class: "n" })))]);
}

export const words = (text) => make("td", text);

export function fill(table, rows, whenEmpty = "nothing yet") {
  const body = at(table).tBodies[0];
  if (rows.length === 0) {
    const width = at(table).tHead?.rows[0]?.cells.length ?? 1;
    rows = [make("tr", make("td", whenEmpty, { colspan: String(width), class: "quiet" }))];
  }
  body.replaceChildren(...rows);
}

/** Pairs of a term and what is known of it. */
export function facts(id, pairs) {
  at(id).replaceChildren(...pairs.map(([term, value]) => make("div", [make("dt", term), make("dd", value)])));
}

/** Changes a text only when it is another one, so that what is read aloud is read once. */
export function say(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text;
}
