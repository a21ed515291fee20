// What hits saved, by operation, tenant or model.
import { at, fill, row, say } from "./elements.js";
import { count, milliseconds, money } from "./format.js";

let ledger = null;

const cells = (name, e) => row([name, money(e.worth_millionths, ledger.currency), count(e.calls), count(e.input_tokens),
  count(e.output_tokens), milliseconds(e.model_ms), count(e.unpriced_tokens)]);

function draw() {
  if (!ledger) return;
  const rows = Object.entries(ledger[at("ledger-by").value] ?? {})
    .sort(([, a], [, b]) => b.worth_millionths - a.worth_millionths || b.calls - a.calls);
  fill("ledger-table", [...rows.map(([name, e]) => cells(name || "(no name)", e)), cells("all", ledger.total ?? {})]);
  const unpriced = ledger.total?.unpriced_tokens;
  say("ledger-note", unpriced > 0 ? `${count(unpriced)} tokens are of models without a price; the money leaves them out.` : "");
}

export function startLedger() {
  at("ledger-by").addEventListener("change", draw);
}

export function showLedger(next) {
  ledger = next;
  draw();
}

/** The total in a few words, for the cards. */
export function saved() {
  const t = ledger?.total;
  return t && { worth: money(t.worth_millionths, ledger.currency), calls: t.calls, tokens: t.input_tokens + t.output_tokens };
}

export function ledgerUnknown(why) {
  ledger = null;
  fill("ledger-table", [], `not known: ${why}`);
  say("ledger-note", "");
}
