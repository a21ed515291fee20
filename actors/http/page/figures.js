// The parts of the page that show a summary.
import { at, fill, make, row, say, facts, words } from "./elements.js";
import { bytes, clock, compact, count, dash, milliseconds, nanoseconds, percent, times } from "./format.js";

const tiers = [["hot", "hits_hot"], ["warm", "hits_warm"], ["shared", "hits_shared"], ["parked", "hits_parked"]];
const tierNames = {
  hot: "hot: raw in memory",
  warm: "warm: compressed",
  shared: "shared: Redis",
  parked: "parked: another's",
};

const spanOf = (summary) => (summary.recent_span_ms > 0 ? `last ${milliseconds(summary.recent_span_ms)}` : "of late");

export function showCards(summary, history, ledger) {
  const card = (term, value, more) => make("div", [make("dt", term), make("dd", [value, make("small", more)])], { class: "card" });
  const span = spanOf(summary);
  at("cards").replaceChildren(
    card("Hit ratio", percent(summary.recent?.hit_percent), `${span}; ${percent(summary.total?.hit_percent)} in all`),
    card("Gets a second", compact(history.latest?.rate ?? undefined), `${compact(summary.total?.answered)} in all`),
    card("p99 of a get", nanoseconds(summary.recent_nanoseconds?.p99), `${span}; p50 ${nanoseconds(summary.recent_nanoseconds?.p50)}`),
    card("Memory", percent(summary.memory?.used_percent), `${bytes(summary.memory?.used)} of ${bytes(summary.memory?.budget)}`),
    card("Saved", ledger?.worth ?? dash, `${compact(ledger?.calls)} calls, ${compact(ledger?.tokens)} tokens`));
}

export function showNotices(summary) {
  const all = [...(summary.memory_notices ?? []), ...(summary.invalidation_notices ?? [])];
  const told = JSON.stringify(all.map((n) => [n.severity, n.issue, n.message]));
  if (at("notices").dataset.told === told) return;
  at("notices").dataset.told = told;
  at("notices").replaceChildren(...all.map((n) => make("div", [
    make("p", [make("strong", `${n.severity}: `), n.message]),
    ...(n.suggestions?.length ? [make("ul", n.suggestions.map((s) => make("li", s)))] : []),
  ], { class: `notice ${n.severity}` })));
}

export function showRatio(summary, history) {
  const figures = summary.figures ?? {};
  const all = summary.total?.answered;
  const share = (n) => (all > 0 && n !== undefined ? percent((100 * n) / all) : percent(undefined));
  const late = history.latest?.shares ?? [];
  const lateAll = late[0] == null ? undefined : late.reduce((a, b) => a + b, 0);
  fill("ratio-table", [
    ...tiers.map(([name, member], i) =>
      row([tierNames[name], percent(late[i] ?? undefined), share(figures[member]), count(figures[member])], name)),
    row(["all hits", percent(lateAll), percent(summary.total?.hit_percent), count(summary.total?.hits)]),
    row(["misses", percent(lateAll === undefined ? undefined : 100 - lateAll), share(summary.total?.misses), count(summary.total?.misses)]),
  ]);
}

const quantiles = (name, d, mark) =>
  row([name, nanoseconds(d?.p50), nanoseconds(d?.p95), nanoseconds(d?.p99), nanoseconds(d?.p999), nanoseconds(d?.max)], mark);

export function showLatency(summary, statistics) {
  const span = spanOf(summary);
  const colours = [["p50", "p50"], ["p95", "p95"], ["p99", "p99"], ["p999", "p99.9"]];
  at("latency-note").replaceChildren(...colours.flatMap(([mark, name]) => [make("span", [], { class: `mark ${mark}` }), `${name} `]),
    `· ${span}, drawn since this page was opened.`);
  const byTier = statistics?.tiers ?? {};
  const named = Array.isArray(byTier) ? byTier.map((t) => [t.name, t.latency ?? t]) : Object.entries(byTier);
  const place = (name) => (Object.keys(tierNames).indexOf(name) + 10) % 10;  // what is no tier, such as a miss, is last
  named.sort(([a], [b]) => place(a) - place(b));
  fill("latency-table", [
    quantiles(span, summary.recent_nanoseconds),
    quantiles("in all", summary.nanoseconds),
    ...named.filter(([, d]) => d?.count > 0).map(([name, d]) => quantiles(name, d, name)),
  ]);
}

export function showMemory({ memory: m }) {
  const of = (n) => (m?.budget > 0 ? percent((100 * n) / m.budget) : percent(undefined));
  const parts = [["hot", m?.hot, m?.entries_hot], ["warm", m?.warm, m?.entries_warm], ["bookkeeping", m?.bookkeeping]];
  const free = m ? Math.max(0, m.budget - m.used) : undefined;
  at("memory-bar").replaceChildren(...(m ? parts : []).map(([name, size]) => {
    const part = make("span", [], { class: name });
    part.style.width = `${m.budget > 0 ? (100 * size) / m.budget : 0}%`;
    return part;
  }));
  at("memory-bar").setAttribute("aria-label", m ? `${percent(m.used_percent)} of the budget is used` : "not known yet");
  fill("memory-table", [
    ...parts.map(([name, size, entries]) => row([name, bytes(size), m ? of(size) : percent(undefined), count(entries)], name)),
    row(["free", bytes(free), m ? of(free) : percent(undefined), ""], "free"),
    row(["budget", bytes(m?.budget), "", count(m ? m.entries_hot + m.entries_warm : undefined)]),
  ]);
  facts("memory-facts", [
    ["Bytes an answer", bytes(m?.bytes_per_entry)],
    ["Growth an hour", bytes(m?.growth_per_hour)],
    ["Most used", bytes(m?.most_used)],
  ]);
}

const textNames = { small: "small", medium: "medium", large: "large", xlarge: "extra large" };

export function showTexts(summary) {
  const all = Object.entries(textNames).map(([key, name]) => [name, summary.text_tiers?.[key] ?? {}]);
  fill("texts-table", all.map(([name, t]) =>
    row([name, count(t.gets), percent(t.share_percent), percent(t.hit_percent), nanoseconds(t.nanoseconds?.p50),
      nanoseconds(t.nanoseconds?.p99)])));
  at("texts-remarks").replaceChildren(...all.flatMap(([name, t]) =>
    (t.remarks ?? []).map((r) => make("p", `${name}: ${r}`, { class: "quiet" }))));
}

export function showUpkeep({ compression: c, invalidations: i, key_generation: k }) {
  facts("upkeep-facts", [
    ["Compressed answers", count(c?.packed)],
    ["Bytes compression saved", `${bytes(c?.saved_bytes)} (${percent(c?.saved_percent)})`],
    ["Not worth compressing", count(c?.unpackable)],
    ["Time to compress, p99", nanoseconds(c?.pack_nanoseconds?.p99)],
    ["Time to decompress, p99", nanoseconds(c?.unpack_nanoseconds?.p99)],
    ["Time to make a key, p99", nanoseconds(k?.nanoseconds?.p99)],
    ["Invalidations, last hour", count(i?.last_hour)],
    ["Invalidations, last day", count(i?.last_day)],
    ["Answers an invalidation removes", i?.entries_per_event === undefined ? dash : i.entries_per_event.toFixed(1)],
    ["Most often", i?.scopes?.length ? `${i.scopes[0].scope} (${count(i.scopes[0].count)})` : dash],
  ]);
}

export function showSlow(summary) {
  const latest = [...(summary.slow ?? [])].sort((a, b) => b.at - a.at).slice(0, 12);
  fill("slow-table", latest.map((s) => row([clock(s.at), words(s.kind.replaceAll("_", " ")), words(s.operation || dash),
    nanoseconds(s.nanoseconds), nanoseconds(s.usual_nanoseconds), times(s.times_slower), s.bytes > 0 ? bytes(s.bytes) : dash])),
    "nothing took unusually long");
}

export function showEvents({ events }) {
  fill("events-table", events.slice(-12).reverse().map((e) => row([clock(e.at), words(e.what), words(e.detail)])), "nothing so far");
}

export function eventsUnknown(why) {
  fill("events-table", [], `not known: ${why}`);
}

const levels = ["normal", "memory_only", "shedding", "draining"];
const levelSentences = {
  normal: "Normal: everything is served.",
  memory_only: "Memory only: Redis cannot be used, its breaker is open or the gate of invalidations is closed. Memory answers alone.",
  shedding: "Shedding: too much waits. Hits are answered, puts and leases are refused.",
  draining: "Draining: the node stops.",
};

const redisRows = [
  ["Read and found", "reads_present", "answers that Redis had"],
  ["Read and not found", "reads_absent", "answers that nobody had stored"],
  ["Not read", "reads_unavailable", "not asked, or not answered in time"],
  ["Written", "writes_done", "answers that Redis took, or removed"],
  ["Refused", "writes_refused", "such as for want of memory in Redis"],
  ["Not written yet", "writes_unavailable", "tried again when Redis is back"],
  ["Late", "late", "commands past their deadline"],
  ["Error replies", "errors", "see the node's log for the reason"],
  ["Outages", "outages", "times that Redis became unreachable"],
];

/** The name of a level that is told by name or by number. */
export const levelOf = (statistics) => (typeof statistics?.level === "number" ? levels[statistics.level] : statistics?.level);

export function showRedis(statistics) {
  const level = levelOf(statistics);
  const link = statistics?.link;
  const isUsed = link && Object.values(link).some((n) => n > 0);
  const sentence = level ? levelSentences[level] ?? level : "The level is not known.";
  const redis = !link || level === "memory_only" ? ""
    : isUsed ? " The breaker is closed: Redis is in use." : " Redis was not used so far.";
  say("redis-state", sentence + redis);
  at("redis-state").className = `badge ${level === "normal" ? "good" : level ? "warning" : ""}`;
  fill("redis-table", redisRows.map(([name, member, meaning]) => row([name, count(link?.[member]), words(meaning)])));
}
