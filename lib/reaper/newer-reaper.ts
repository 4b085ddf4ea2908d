import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { labelNames } from '../core/labels';
import type { Engine } from '../engine/engine';
import { listTargets, type ListedTarget } from '../engine/list-targets';

const pollMs = 100;

export interface ReaperSearch {
  readonly signal: AbortSignal;
  /** How an engine names the container that this process runs in. Default: by its host's name, the first digits of its id. */
  readonly ownId?: string | undefined;
  /** How long a newer one has to live to be held by somebody, in milliseconds. Default 2 000: with nobody it ends well before. */
  readonly heldForMs?: number | undefined;
}

/**
 * Whether the session that this container serves has a newer reaper, which somebody holds: its client lost the connection to this
 * one, and lives. One that goes away again was held by nobody, or has had its client die too.
 *
 * @throws EngineError when the engine cannot be asked.
 */
export async function hasNewerReaper(
  engine: Engine,
  { signal, ownId = hostname(), heldForMs = 2_000 }: ReaperSearch,
): Promise<boolean> {
  const endsAtMs = performance.now() + heldForMs;
  for (;;) {
    const reapers = await listTargets(engine, [`${labelNames.reaper}=true`], ['container']);
    if (!hasNewer(reapers, ownId)) return false;
    if (performance.now() >= endsAtMs) return true;
    await delay(pollMs, undefined, { signal });
  }
}

// By what their clients wrote on them: they are those of one client, with one clock.
function hasNewer(reapers: readonly ListedTarget[], ownId: string): boolean {
  const own = reapers.find(({ id }) => ownId !== '' && id.startsWith(ownId));
  const session = own?.labels[labelNames.session];
  if (own === undefined || session === undefined) return false;
  const alive = reapers.filter(({ status }) => status === 'running' || status === 'created');
  return alive.some(
    (other) => other.labels[labelNames.session] === session && createdAt(other) > createdAt(own),
  );
}

function createdAt({ labels }: ListedTarget): number {
  return Date.parse(labels[labelNames.created] ?? '');
}
