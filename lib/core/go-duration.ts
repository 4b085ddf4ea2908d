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

/** The longest time that Go can hold: 2^63 − 1 nanoseconds. */
const longestMs = 2 ** 63 / 1e6;

/**
 * A duration as Go spells it, in milliseconds: `10s`, `0.1s`, `1m0s`, `10ms`, `-1s`, `0`. `undefined` for what is none: `10`,
 * `1e9h`, an empty string.
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
  return ms <= longestMs ? sign * ms : undefined;
}

/**
 * Milliseconds as Go prints a duration: `1m0s`, `10s`, `500ms`, `0s`.
 *
 * @see Go, time.Duration.String
 */
export function formatGoDuration(ms: number): string {
  const sign = ms < 0 ? '-' : '';
  const whole = Math.abs(ms);
  if (whole === 0) return '0s';
  if (whole < 1) return `${sign}${whole * 1_000}µs`;
  if (whole < 1_000) return `${sign}${whole}ms`;
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor((whole % 3_600_000) / 60_000);
  const seconds = (whole % 60_000) / 1_000;
  return `${sign}${hours > 0 ? `${hours}h` : ''}${whole >= 60_000 ? `${minutes}m` : ''}${seconds}s`;
}

/** A boolean as Go spells it; `undefined` for what is none. @see Go, strconv.ParseBool */
export function parseGoBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  return undefined;
}
