// What was seen since the page was opened: the node itself keeps counts, not their past.

const tiers = ["hits_hot", "hits_warm", "hits_shared", "hits_parked"];

const answered = (figures) =>
  Object.entries(figures).reduce((sum, [name, n]) => sum + (/^(hits|misses)_/.test(name) ? n : 0), 0);

/** Keeps `kept` polls; a point is the difference to the poll of `span` ms before it. */
export class History {
  constructor({ kept = 900, span = 10000 } = {}) {
    this.kept = kept;
    this.span = span;
    this.polls = [];
    this.points = [];
  }

  add(summary) {
    const figures = summary.figures ?? {};
    const poll = { at: summary.at, figures, answered: answered(figures) };
    const last = this.polls.at(-1);
    // Counts that shrink were set to zero, or are another process's: what was before does not compare.
    if (last && (poll.answered < last.answered || poll.at < last.at)) this.polls = [];
    if (last && poll.at === last.at) return;
    this.polls.push(poll);
    while (this.polls.length > 1 && this.polls[1].at <= poll.at - this.span) this.polls.shift();
    const gained = poll.answered - this.polls[0].answered;
    const seconds = (poll.at - this.polls[0].at) / 1000;
    const late = summary.recent_nanoseconds ?? {};
    this.points.push({
      at: poll.at / 1000,
      // Of no gets there is no share.
      shares: tiers.map((t) =>
        gained > 0 ? (100 * ((figures[t] ?? 0) - (this.polls[0].figures[t] ?? 0))) / gained : null),
      rate: seconds > 0 ? gained / seconds : null,
      latency: [late.p50, late.p95, late.p99, late.p999].map((n) => n ?? null),
    });
    this.trim();
  }

  /** A hole, so that no line is drawn through the time when the node was away. */
  gap() {
    const last = this.points.at(-1);
    if (last === undefined || last.isGap) return;
    const nothing = [null, null, null, null];
    // Right behind the last point: this machine's clock need not be the node's.
    this.points.push({ at: last.at + 0.001, shares: nothing, rate: null, latency: nothing, isGap: true });
    this.polls = [];
    this.trim();
  }

  trim() {
    if (this.points.length > this.kept) this.points.splice(0, this.points.length - this.kept);
  }

  get latest() {
    return this.points.at(-1);
  }

  /** Times, and for each tier its share on top of those before it. */
  stackedShares() {
    const times = this.points.map((p) => p.at);
    const stacks = tiers.map((_, i) =>
      this.points.map((p) => (p.shares[0] === null ? null : p.shares.slice(0, i + 1).reduce((a, b) => a + b, 0))));
    return [times, ...stacks];
  }

  /** Times, and p50, p95, p99, p99.9 of the recent gets, in nanoseconds. */
  latencies() {
    return [this.points.map((p) => p.at), ...[0, 1, 2, 3].map((i) => this.points.map((p) => p.latency[i]))];
  }
}
