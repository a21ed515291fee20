// Brings the node's figures to the page: a summary every two seconds, what is dearer less often.
import { startActions } from "./actions.js";
import { adviceUnknown, curveUnknown, showAdvice, showCurve } from "./advice.js";
import { keepAsking, read } from "./ask.js";
import { clusterUnknown, showCluster } from "./cluster.js";
import { at, say } from "./elements.js";
import {
  eventsUnknown, levelOf, showCards, showEvents, showLatency, showMemory, showNotices, showRatio, showRedis, showSlow, showTexts, showUpkeep,
} from "./figures.js";
import { clock, milliseconds } from "./format.js";
import { History } from "./history.js";
import { ledgerUnknown, saved, showLedger, startLedger } from "./ledger.js";
import { showOperations, startOperations } from "./operations.js";
import { curvePlot, latencyPlot, ratioPlot } from "./plots.js";

const history = new History();
const plots = { ratio: ratioPlot(), latency: latencyPlot(), curve: curvePlot() };
let turns = 0;
let statistics = null;

/** A view that may be missing without the node being away: an older node, or nothing to say yet. */
async function readIfThere(view, show, unknown) {
  try {
    show(await read(view));
  } catch (e) {
    unknown(e.message);
  }
}

function show(summary) {
  history.add(summary);
  showNotices(summary);
  showRatio(summary, history);
  showLatency(summary, statistics);
  showMemory(summary);
  showOperations(summary);
  showTexts(summary);
  showUpkeep(summary);
  showSlow(summary);
  showCards(summary, history, saved());
  plots.ratio(history.stackedShares());
  plots.latency(history.latencies());
  at("as-of").textContent = `as of ${clock(summary.at)}`;
}

function connected() {
  const level = levelOf(statistics);
  at("connection").className = `badge ${level === undefined || level === "normal" ? "good" : "warning"}`;
  say("connection", level === undefined ? "live" : `live, level ${level.replace("_", " ")}`);
}

async function turn() {
  const summary = await read("summary");
  await readIfThere("statistics", (s) => (statistics = s), () => (statistics = null));
  const isTime = (every) => turns % every === 0;
  if (isTime(5)) await readIfThere("ledger", showLedger, ledgerUnknown);
  if (isTime(5)) await readIfThere("events", showEvents, eventsUnknown);
  if (isTime(2)) await readIfThere("cluster", showCluster, clusterUnknown);
  if (isTime(15)) await readIfThere("recommendations", showAdvice, adviceUnknown);
  if (isTime(15)) await readIfThere("curve", (c) => showCurve(c, plots.curve), (why) => curveUnknown(why, plots.curve));
  ++turns;
  showRedis(statistics);
  show(summary);
  document.body.classList.remove("stale");
  connected();
}

function away({ since, pause, why }) {
  document.body.classList.add("stale");
  at("connection").className = "badge critical";
  // Read aloud once: the time of the next attempt, which changes, stands elsewhere.
  say("connection", `the node is away since ${clock(since)}: ${why}`);
  at("as-of").textContent = `what is shown is old; trying again in ${milliseconds(pause)}`;
  history.gap();
}

startOperations();
startLedger();
startActions();
keepAsking({
  every: 2000,
  longest: 30000,
  ask: turn,
  away,
  back: () => {
    turns = 0;  // a node that was away may be another one by now
  },
});
