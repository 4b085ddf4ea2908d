import { formatDuration } from '../core/durations';
import { processWide } from '../core/global-state';

/** The readiness check that a start currently waits for. */
export interface ReadyWait {
  readonly containerId: string;
  /** `log 'ready'`. */
  readonly what: string;
  readonly sinceMs: number;
  /** The startup timeout of testcontainers. */
  readonly limitMs?: number | undefined;
}

/** A start in a scope that has not finished. */
export interface StartUnderWay {
  /** The key of its entry in the registry. */
  readonly key: string;
  /** `PostgreSqlContainer`. */
  readonly what: string;
  readonly source: string | undefined;
  /** The name of its scope. */
  readonly scope: string;
  readonly engine: string;
  readonly sinceMs: number;
  readonly wait?: ReadyWait | undefined;
}

const starts = (): Map<string, StartUnderWay> =>
  processWide('starts under way', () => new Map<string, StartUnderWay>());

/** Lists `start` in {@link startsUnderWay} until the returned function is called. */
export function trackStart(start: StartUnderWay): () => void {
  starts().set(start.key, start);
  return () => void starts().delete(start.key);
}

/** Records the current wait of a start; with several containers, the last wait wins. */
export function recordWait(key: string, wait: ReadyWait): void {
  const start = starts().get(key);
  if (start !== undefined) starts().set(key, { ...start, wait });
}

/** Returns the starts of this process that have not finished. */
export function startsUnderWay(): readonly StartUnderWay[] {
  return [...starts().values()];
}

/** Formats a start: `start of RedisContainer (a.test.js:3) has been waiting for log 'ready' for 2.4 s; …` */
export function describeStart({ what, source, sinceMs, wait }: StartUnderWay, nowMs: number): string {
  const title = `start of ${what}${source === undefined ? '' : ` (${source})`}`;
  if (wait === undefined) return `${title} has been running for ${formatDuration(nowMs - sinceMs)}`;
  const limit =
    wait.limitMs === undefined
      ? ''
      : `; its own limit is ${formatDuration(wait.limitMs).replace(/\.0 s$/, ' s')}`;
  return `${title} has been waiting for ${wait.what} for ${formatDuration(nowMs - wait.sinceMs)}${limit}`;
}
