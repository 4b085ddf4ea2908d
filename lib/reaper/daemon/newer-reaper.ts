import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { labelNames } from '../../core/labels';
import type { Engine } from '../../engine/engine';
import { listTargets, type ListedTarget } from '../../engine/list-targets';

const pollMs = 100;

interface ReaperSearch {
  readonly signal: AbortSignal;
  /** Id, or its first digits, of the container that this process runs in. Default: the host name. */
  readonly ownId?: string | undefined;
  /** How long a newer reaper must run to count as held. Default 2 000: without a client, it exits sooner. */
  readonly heldForMs?: number | undefined;
  /** How long a created reaper may take to start. Default 5 000. */
  readonly startTimeoutMs?: number | undefined;
}

/**
 * Whether this container's session has a newer reaper that its client holds: then the client is alive, and only
 * lost the connection to this one. The client of a newer reaper that exits again, or never starts, is dead.
 *
 * @throws EngineError when the engine cannot list containers.
 */
export async function hasNewerReaper(
  engine: Engine,
  { signal, ownId = hostname(), heldForMs = 2_000, startTimeoutMs = 5_000 }: ReaperSearch,
): Promise<boolean> {
  let endsAtMs = performance.now() + heldForMs;
  const startsUntilMs = performance.now() + startTimeoutMs;
  for (;;) {
    const reapers = await listTargets(engine, [`${labelNames.reaper}=true`], ['container']);
    const nowMs = performance.now();
    const state = newerState(reapers, ownId);
    if (state === undefined) return false;
    if (nowMs >= (state === 'running' ? endsAtMs : startsUntilMs)) return state === 'running';
    if (state === 'created') endsAtMs = nowMs + heldForMs;
    await delay(pollMs, undefined, { signal });
  }
}

// Compares labels that one client wrote, with one clock.
function newerState(reapers: readonly ListedTarget[], ownId: string): 'running' | 'created' | undefined {
  const own = reapers.find(({ id }) => ownId !== '' && id.startsWith(ownId));
  const session = own?.labels[labelNames.session];
  if (own === undefined || session === undefined) return undefined;
  const newer = reapers.filter(
    (other) => other.labels[labelNames.session] === session && createdAt(other) > createdAt(own),
  );
  return (['running', 'created'] as const).find((state) => newer.some(({ status }) => status === state));
}

function createdAt({ labels }: ListedTarget): number {
  return Date.parse(labels[labelNames.created] ?? '');
}
