import type { LeaseTableView } from '../reaping/lease-table';
import type { Lease } from '../leases/leases';
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
  /** The open leases; `since`: RFC 3339; `claims`: the labels of each. */
  readonly leases: readonly (Pick<Lease, 'id' | 'holder'> & {
    readonly since: string;
    readonly claims: readonly (readonly string[])[];
  })[];
  /** Claims that no lease holds: in their grace period (`lapsing`), with its rest, or being reaped. */
  readonly ending: readonly {
    readonly labels: readonly string[];
    readonly lastHolder: string;
    readonly phase: 'lapsing' | 'reaping';
    readonly dueInMs?: number | undefined;
  }[];
  /** Number of claims of dead clients that were reaped, and are listed again later. */
  readonly watched: number;
}

type SnapshotParts = LeaseTableView & Pick<ReaperSnapshot, 'mode' | 'connections'>;

/** Returns the snapshot, with times as RFC 3339 instead of `performance.now()`. */
export function takeReaperSnapshot({ leases, totals, startedAtMs, ...parts }: SnapshotParts): ReaperSnapshot {
  const { inGracePeriod, reaping, watched } = leases.orphaned;
  const nowMs = performance.now();
  const toTimestamp = (ms: number): string => new Date(Date.now() - (nowMs - ms)).toISOString();
  return {
    ...parts,
    startedAt: toTimestamp(startedAtMs),
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
