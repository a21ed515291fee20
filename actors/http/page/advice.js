// What the node recommends, and the curve behind it.
import { at, fill, make, row, say } from "./elements.js";
import { bytes, count, dash, percent, points } from "./format.js";

const rounded = (n) => (typeof n !== "number" ? dash : Math.abs(n) < 1000 ? String(Number(n.toPrecision(4))) : count(Math.round(n)));
const figure = (e) => (e.unit === "bytes" ? bytes(e.value) : `${rounded(e.value)} ${e.unit}`.trim());

function block(r) {
  const { setting, value, text } = r.action ?? {};
  const figures = (r.evidence ?? []).map((e) => make("div", [make("dt", e.name.replaceAll("_", " ")), make("dd", figure(e))]));
  return make("article", [
    make("h3", [make("span", r.priority, { class: `badge ${r.priority}` }), ` ${r.subject ? `${r.subject}: ` : ""}${r.title}`]),
    make("dl", figures, { class: "facts" }),
    make("p", setting ? [text ? `${text} ` : "Set ", make("code", `${setting} = ${value}`)] : text ?? ""),
    make("p", r.effect ?? "", { class: "quiet" }),
  ], { class: "recommendation" });
}

export function showAdvice(all) {
  at("advice-list").replaceChildren(...(all.length ? all.map(block) : [make("p", "Nothing to change, as far as the figures go.")]));
}

export function adviceUnknown(why) {
  at("advice-list").replaceChildren(make("p", `not known: ${why}`, { class: "quiet" }));
}

/** The point of the present budget is the one whose bytes are the budget. */
export function showCurve(curve, draw) {
  const known = (curve.points ?? []).filter((p) => typeof p.hit_percent === "number");
  if (known.length === 0) return curveUnknown("too few requests were sampled so far", draw);
  const present = known.find((p) => p.bytes === curve.budget);
  say("curve-note", `From ${count(curve.samples)} sampled requests; the dashed line is the present budget. ` +
    "Read the changes: they are surer than the heights.");
  fill("curve-table", known.map((p) => {
    const change = p.points ?? (present && p.hit_percent - present.hit_percent);
    const error = typeof p.error === "number" && p !== present ? ` ± ${p.error.toFixed(1)}` : "";
    return row([bytes(p.bytes), percent(p.hit_percent), p === present ? "now" : points(change) + error]);
  }));
  draw({ sizes: known.map((p) => p.bytes), ratios: known.map((p) => p.hit_percent), budget: curve.budget });
}

export function curveUnknown(why, draw) {
  draw(null);
  say("curve-note", "");
  fill("curve-table", [], `not known: ${why}`);
}
