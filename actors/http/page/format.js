// Figures as people read them. Whatever is not known is a dash, never a zero.

export const dash = "–";

const known = (value) => typeof value === "number" && Number.isFinite(value);
const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** Three digits that count: 1.23, 12.3, 123. */
const three = (n) => n.toFixed(Math.abs(n) >= 99.95 ? 0 : Math.abs(n) >= 9.995 ? 1 : 2);

export const count = (n) => (known(n) ? grouped.format(n) : dash);
export const compact = (n) => (known(n) ? short.format(n) : dash);
export const percent = (p) => (known(p) ? `${p.toFixed(1)} %` : dash);
export const points = (p) => (known(p) ? `${p > 0 ? "+" : p < 0 ? "−" : ""}${Math.abs(p).toFixed(1)}` : dash);
export const times = (n) => (known(n) ? `${three(n)} ×` : dash);

const scaled = (n, base, units) => {
  let i = 0;
  while (Math.abs(n) >= base && i + 1 < units.length) {
    n /= base;
    ++i;
  }
  return i === 0 ? `${Math.round(n)} ${units[0]}` : `${three(n)} ${units[i]}`;
};

export const bytes = (n) => (known(n) ? scaled(n, 1024, ["B", "KiB", "MiB", "GiB", "TiB"]) : dash);

export function nanoseconds(n) {
  if (!known(n)) return dash;
  return n < 60e9 ? scaled(n, 1000, ["ns", "µs", "ms", "s"]) : milliseconds(n / 1e6);
}

export function milliseconds(ms) {
  if (!known(ms)) return dash;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 120) return `${Number(s.toFixed(1))} s`;
  if (s < 7200) return `${Number((s / 60).toFixed(1))} min`;
  if (s < 172800) return `${Number((s / 3600).toFixed(1))} h`;
  return `${Number((s / 86400).toFixed(1))} d`;
}

export function money(millionths, currency) {
  if (!known(millionths)) return dash;
  const amount = millionths / 1e6;
  const digits = Math.abs(amount) >= 1000 ? 0 : Math.abs(amount) < 1 ? 4 : 2;
  try {
    return new Intl.NumberFormat("en", { style: "currency", currency, maximumFractionDigits: digits }).format(amount);
  } catch {
    return `${amount.toFixed(digits)} ${currency ?? ""}`.trim();  // a currency that has no code of its own
  }
}

export const clock = (ms) => (known(ms) ? new Date(ms).toLocaleTimeString("en-GB") : dash);
