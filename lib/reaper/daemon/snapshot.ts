import { countPhases, type EndingClaim } from '../leases/leases';
import type { LeaseTableView } from '../reaping/lease-table';
import type { ReaperMode } from '../leases/shutdown-policy';
import type { ReapTotals } from '../reaping/reap-totals';

/** What stands in a reaper at one moment, as plain data for JSON. */
export interface ReaperSnapshot extends ReapTotals {
  readonly mode: ReaperMode;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly isDraining: boolean;
  /** Those that hold no lease included. */
  readonly connections: number;
  readonly leases: readonly LeaseView[];
  /** The claims that nobody holds any more. */
  readonly ending: readonly EndingView[];
  /** How many claims of clients that died were reaped, and are looked for again. */
  readonly watched: number;
}

export interface LeaseView {
  readonly id: string;
  readonly holder: string;
  /** RFC 3339. */
  readonly since: string;
  /** The labels of each. */
  readonly claims: readonly (readonly string[])[];
}

export interface EndingView {
  readonly labels: readonly string[];
  readonly lastHolder: string;
  readonly phase: 'lapsing' | 'reaping';
  /** How long its holder's return is still waited for, in milliseconds. */
  readonly dueInMs?: number | undefined;
}

export type SnapshotParts = LeaseTableView & Pick<ReaperSnapshot, 'mode' | 'connections'>;

/** Turns times that count from the process's start into the world's. */
export function takeSnapshot({ mode, connections, ...view }: SnapshotParts): ReaperSnapshot {
  const { state, startedAtMs, totals, isDraining } = view;
  const nowMs = performance.now();
  const inTheWorld = (ms: number): string => new Date(Date.now() - (nowMs - ms)).toISOString();
  return {
    mode,
    startedAt: inTheWorld(startedAtMs),
    isDraining,
    connections,
    leases: [...state.leases.values()].map(({ id, holder, sinceMs, claims }) => ({
      id,
      holder,
      since: inTheWorld(sinceMs),
      claims: [...claims.values()].map(({ labels }) => labels),
    })),
    ending: [...state.ending.values()].filter(isEnding).map((known) => ({
      labels: known.claim.labels,
      lastHolder: known.lastHolder,
      phase: known.phase,
      dueInMs: known.phase === 'lapsing' ? Math.max(0, Math.round(known.dueMs - nowMs)) : undefined,
    })),
    watched: countPhases(state).watched,
    ...totals,
  };
}

type Ending = EndingClaim & { readonly phase: 'lapsing' | 'reaping' };

function isEnding(known: EndingClaim): known is Ending {
  return known.phase !== 'watched';
}
