// The nodes that are one cache with this one; of a node on its own the part is not shown.
import { at, fill, row, say, words } from "./elements.js";
import { count, milliseconds } from "./format.js";

function wordOf(c) {
  if (c.refusal) return `This node is not let in: ${c.refusal}`;
  if (c.leaving) return "This node is leaving: it serves no key any more.";
  const served = `${c.name} serves ${count(c.serving)} of ${count(c.ranges)} key ranges, epoch ${count(c.epoch)}.`;
  return c.cut_off ? `${served} The register in Redis is not reached: the nodes that hear each other go on.` : served;
}

export function showCluster(c) {
  at("cluster").hidden = !c.name;
  if (!c.name) return;
  say("cluster-state", wordOf(c));
  at("cluster-state").className = c.refusal || c.leaving || c.cut_off ? "badge warning" : "badge good";
  fill("cluster-table", c.members.map((m) => row([m.name, words(m.address), count(m.ranges),
    m.name === c.name ? words("this node") : words(m.connected ? `heard ${milliseconds(m.silence_ms)} ago` : "not connected")])),
    "no node serves");
  say("cluster-pins", c.pins.length === 0 ? ""
    : `Given by hand: ${c.pins.map((p) => `${p.first} to ${p.last} to ${p.name}`).join(", ")}.`);
}

export function clusterUnknown() {
  at("cluster").hidden = true;
}
