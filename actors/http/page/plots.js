// The plots. Each has a table beside it that says the same, so a plot itself is hidden from screen readers.
import { at } from "./elements.js";
import { bytes, nanoseconds } from "./format.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const axis = (more) => ({
  stroke: colour("quiet"),
  grid: { stroke: colour("line"), width: 1 },
  ticks: { stroke: colour("line"), width: 1 },
  ...more,
});

const sizeOf = (element) => ({ width: Math.max(200, element.clientWidth), height: Math.max(120, element.clientHeight) });

/** A plot in the element `id`, made by `options()` when there is something to draw, and anew when the colours change. */
function plot(id, options) {
  const place = at(id);
  let drawn = null;
  let data = null;
  const redraw = () => {
    drawn?.destroy();
    drawn = data && new uPlot({ ...options(), ...sizeOf(place) }, data, place);
  };
  new ResizeObserver(() => drawn?.setSize(sizeOf(place))).observe(place);
  document.addEventListener("themechange", redraw);
  // Null takes the plot away.
  return (next) => {
    data = next;
    if (drawn && data) drawn.setData(data);
    else redraw();
  };
}

const percentAxis = () => axis({ size: 52, values: (_, all) => all.map((v) => `${v} %`) });
const quietly = { legend: { show: false }, cursor: { show: false } };
const clockAxis = () => axis({
  values: (_, all) => all.map((v) => (v === null ? "" : new Date(v * 1000).toLocaleTimeString("en-GB"))), space: 90,
});

/** A minute at least, so that the first points do not fill the whole width. */
const lately = { time: true, range: (_, low, high) => [Math.min(low, high - 60), high] };

/** The largest stack is drawn first, and each smaller one covers its lower part. */
export function ratioPlot() {
  const names = ["parked", "shared", "warm", "hot"];
  const show = plot("ratio-plot", () => ({
    ...quietly,
    scales: { x: lately, y: { range: [0, 100] } },
    axes: [clockAxis(), percentAxis()],
    series: [{}, ...names.map((n) => ({ stroke: colour(n), fill: colour(n), width: 1, points: { show: false } }))],
  }));
  return ([times, hot, warm, shared, parked]) => show([times, parked, shared, warm, hot]);
}

export function latencyPlot() {
  const names = ["p50", "p95", "p99", "p999"];
  return plot("latency-plot", () => ({
    ...quietly,
    scales: { x: lately, y: { distr: 3 } },
    axes: [clockAxis(), axis({ size: 64, values: (_, all) => all.map((v) => (v === null ? "" : nanoseconds(v))) })],
    series: [{}, ...names.map((n) => ({ stroke: colour(n), width: 2, points: { show: false } }))],
  }));
}

/** From one full ten to another, and never outside of what a share can be. */
const tens = (_, low, high) => [Math.max(0, Math.floor(low / 10) * 10), Math.min(100, Math.ceil(high / 10) * 10 || 10)];

/** Ratios by size; the present budget is marked. */
export function curvePlot() {
  let present = 0;
  const mark = (u) => {
    const x = u.valToPos(present, "x", true);
    if (!(x >= u.bbox.left && x <= u.bbox.left + u.bbox.width)) return;
    u.ctx.save();
    u.ctx.strokeStyle = colour("quiet");
    u.ctx.setLineDash([4, 4]);
    u.ctx.beginPath();
    u.ctx.moveTo(x, u.bbox.top);
    u.ctx.lineTo(x, u.bbox.top + u.bbox.height);
    u.ctx.stroke();
    u.ctx.restore();
  };
  const show = plot("curve-plot", () => ({
    ...quietly,
    hooks: { draw: [mark] },
    scales: { x: { time: false, distr: 3, log: 2 }, y: { range: tens } },
    axes: [axis({ values: (_, all) => all.map((v) => (v === null ? "" : bytes(v))), space: 70 }), percentAxis()],
    series: [{}, { stroke: colour("shared"), width: 2, points: { show: true, size: 7, fill: colour("shared") } }],
  }));
  return (curve) => {
    present = curve?.budget;
    show(curve && [curve.sizes, curve.ratios]);
  };
}
