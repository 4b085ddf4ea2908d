const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Go's longest duration: 2^63 − 1 nanoseconds. */
const maxMs = 2 ** 63 / 1e6;

/**
 * Parses a Go duration (`10s`, `0.1s`, `1m0s`, `10ms`, `-1s`, `0`) into milliseconds. Returns `undefined` for
 * invalid text: `10`, `1e9h`, an empty string.
 *
 * @see Go, time.ParseDuration
 */
export function parseGoDuration(text: string): number | undefined {
  const sign = text.startsWith('-') ? -1 : 1;
  const body = text.replace(/^[+-]/, '');
  if (body === '0') return 0;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return undefined;
  const parts = [...body.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)];
  const ms = parts.reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (unitsMs[unit ?? ''] ?? Number.NaN),
    0,
  );
  return ms <= maxMs ? sign * ms : undefined;
}

/**
 * Parses a Go duration that may start with days (`2d`, `1d12h`, `90s`) into milliseconds. Returns `undefined` for
 * invalid text, and for a negative duration.
 */
export function parseDuration(text: string): number | undefined {
  const [, days = '0', rest = ''] = /^(?:(\d{1,6}(?:\.\d+)?)d)?(.*)$/s.exec(text) ?? [];
  const restMs = rest === '' && text !== '' ? 0 : parseGoDuration(rest);
  return restMs === undefined || restMs < 0 ? undefined : Number(days) * 24 * 3_600_000 + restMs;
}

/**
 * Formats milliseconds as Go prints a duration: `1m0s`, `10s`, `500ms`, `0s`.
 *
 * @see Go, time.Duration.String
 */
export function formatGoDuration(ms: number): string {
  const sign = ms < 0 ? '-' : '';
  const absolute = Math.abs(ms);
  if (absolute === 0) return '0s';
  if (absolute < 1) return `${sign}${absolute * 1_000}µs`;
  if (absolute < 1_000) return `${sign}${absolute}ms`;
  const hours = Math.floor(absolute / 3_600_000);
  const minutes = Math.floor((absolute % 3_600_000) / 60_000);
  const seconds = (absolute % 60_000) / 1_000;
  return `${sign}${hours > 0 ? `${hours}h` : ''}${absolute >= 60_000 ? `${minutes}m` : ''}${seconds}s`;
}

/** Parses a Go boolean. Returns `undefined` for invalid text. @see Go, strconv.ParseBool */
export function parseGoBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  return undefined;
}
