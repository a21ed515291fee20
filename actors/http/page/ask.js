// The node's HTTP interface, and how it is asked again and again.

/** What went wrong, as a sentence; `status` is 0 when nobody answered; `pause` is what the node asks for, in ms. */
export class Refusal extends Error {
  constructor(sentence, status, pause = 0) {
    super(sentence);
    this.status = status;
    this.pause = pause;
  }
}

async function sentenceOf(reply) {
  try {
    const problem = await reply.json();
    return problem.detail || problem.title || reply.statusText;
  } catch {
    return reply.statusText || `status ${reply.status}`;
  }
}

async function exchange(path, options, patience) {
  let reply;
  try {
    reply = await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(patience) });
  } catch (e) {
    throw new Refusal(e.name === "TimeoutError" ? `no answer within ${patience / 1000} s` : "nobody answers", 0);
  }
  if (!reply.ok) {
    const seconds = Number(reply.headers.get("Retry-After"));
    throw new Refusal(await sentenceOf(reply), reply.status, Number.isFinite(seconds) ? seconds * 1000 : 0);
  }
  try {
    const text = await reply.text();
    return text === "" ? {} : JSON.parse(text);
  } catch {
    throw new Refusal("the answer is not JSON", 0);
  }
}

export const read = (view) => exchange(`/api/v1/${view}`, {}, 5000);

export const act = (action, token, body) =>
  exchange(`/api/v1/${action}`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }, 120000);

/**
 * Asks `every` ms after the last answer; after a failure twice as late as the time before, up to `longest`.
 * Rests while the page is hidden. `away` is told of each failure, `back` of the first answer after one.
 */
export function keepAsking({ every, longest, ask, away, back }) {
  let pause = every;
  let since = null;
  let timer = null;
  let busy = false;

  async function turn() {
    if (busy || document.hidden) return;
    clearTimeout(timer);
    busy = true;
    try {
      await ask();
      pause = every;
      if (since !== null) back(since);
      since = null;
    } catch (e) {
      since ??= Date.now();
      pause = Math.min(longest, Math.max(pause * 2, e.pause ?? 0));
      away({ since, pause, why: e.message });
    }
    busy = false;
    timer = setTimeout(turn, pause);
  }

  document.addEventListener("visibilitychange", turn);
  turn();
}
