import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { labelNames } from '../../core/labels';
import type { Engine } from '../../engine/engine';
import { listTargets, type ListedTarget } from '../../engine/list-targets';

const pollMs = 100;

export interface ReaperSearch {
  readonly signal: AbortSignal;
  /** How an engine names the container that this process runs in. Default: by its host's name, the first digits of its id. */
  readonly ownId?: string | undefined;
  /** How long a newer one has to live to be held by somebody, in milliseconds. Default 2 000: with nobody it ends well before. */
  readonly heldForMs?: number | undefined;
  /** How long one that was created may take to start, in milliseconds. Default 5 000. */
  readonly startTimeoutMs?: number | undefined;
}

/**
 * Whether the session that this container serves has a newer reaper that runs and whose client holds it: the client lost the connection
 * to this one, and lives. A newer one that goes away again, or never starts, has lost its client.
 *
 * @throws EngineError when the engine cannot be asked.
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
    switch (newerState(reapers, ownId)) {
      case undefined:
        return false;
      case 'created':
        if (nowMs >= startsUntilMs) return false;
        endsAtMs = nowMs + heldForMs;
        break;
      case 'running':
        if (nowMs >= endsAtMs) return true;
    }
    await delay(pollMs, undefined, { signal });
  }
}

// By what their clients wrote on them: they are those of one client, with one clock.
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
