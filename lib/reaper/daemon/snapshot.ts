import type { LeaseTableView } from '../reaping/lease-table';
import type { ReaperMode } from '../leases/reaper-mode';
import type { ReapTotals } from '../reaping/reap-totals';

/** The state of a reaper at one moment, as plain data for JSON. */
export interface ReaperSnapshot extends ReapTotals {
  readonly mode: ReaperMode;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly isDraining: boolean;
  /** Number of connected clients, including those without a lease. */
  readonly connections: number;
  readonly leases: readonly LeaseView[];
  /** Claims that no lease holds. */
  readonly ending: readonly EndingView[];
  /** Number of claims of dead clients that were reaped, and are listed again later. */
  readonly watched: number;
}

interface LeaseView {
  readonly id: string;
  readonly holder: string;
  /** RFC 3339. */
  readonly since: string;
  /** The labels of each claim. */
  readonly claims: readonly (readonly string[])[];
}

/** A claim that no lease holds: in its grace period (`lapsing`), or being reaped. */
interface EndingView {
  readonly labels: readonly string[];
  readonly lastHolder: string;
  readonly phase: 'lapsing' | 'reaping';
  /** Rest of the grace period, in milliseconds. */
  readonly dueInMs?: number | undefined;
}

type SnapshotParts = LeaseTableView & Pick<ReaperSnapshot, 'mode' | 'connections'>;

/** Returns the snapshot, with times as RFC 3339 instead of `performance.now()`. */
export function takeSnapshot({ mode, connections, ...view }: SnapshotParts): ReaperSnapshot {
  const { leases, startedAtMs, totals, isDraining } = view;
  const { inGracePeriod, reaping, watched } = leases.orphaned;
  const nowMs = performance.now();
  const toTimestamp = (ms: number): string => new Date(Date.now() - (nowMs - ms)).toISOString();
  return {
    mode,
    startedAt: toTimestamp(startedAtMs),
    isDraining,
    connections,
    leases: [...leases.open.values()].map(({ id, holder, sinceMs, claims }) => ({
      id,
      holder,
      since: toTimestamp(sinceMs),
      claims: [...claims.values()].map(({ labels }) => labels),
    })),
    ending: [
      ...[...inGracePeriod.values()].map(({ claim: { labels }, lastHolder, expiresAtMs }) => {
        const dueInMs = Math.max(0, Math.round(expiresAtMs - nowMs));
        return { labels, lastHolder, phase: 'lapsing', dueInMs } as const;
      }),
      ...[...reaping.values()].map(({ claim: { labels }, lastHolder }) => {
        return { labels, lastHolder, phase: 'reaping' } as const;
      }),
    ],
    watched: watched.size,
    ...totals,
  };
}
