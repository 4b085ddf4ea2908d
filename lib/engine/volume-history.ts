import { processWide } from '../core/global-state';
import { valueOf, type Engine } from './engine';
import { readEngineClock } from './system-calls';
import { parseEngineEvent, type EngineEvent } from './engine-event';
import { openEventStream } from './event-calls';
import { removableKinds } from '../core/kinds';

/**
 * Resolves to whether the engine reports when a volume was created. Docker before 23.0 (API 1.42) reports the
 * last change of its folder, which a container changes by writing a file.
 *
 * @see moby#44719
 */
export async function hasStableCreatedAt(engine: Engine): Promise<boolean> {
  const cache = stableEngines();
  const cached = cache.get(engine.address);
  if (cached !== undefined) return cached;
  const answer = await engine.ask('version', engine.address, (docker) => docker.version());
  // Without a version, its times cannot be trusted.
  if (answer.meaning !== 'done') return false;
  const version = answer.value as EngineVersion;
  const isPodman = version.Components?.some(({ Name }) => Name.startsWith('Podman')) === true;
  const [major = 0, minor = 0] = version.ApiVersion.split('.').map(Number);
  const isStable = isPodman || major > 1 || (major === 1 && minor >= 42);
  cache.set(engine.address, isStable);
  return isStable;
}

interface EngineVersion {
  readonly ApiVersion: string;
  readonly Components?: readonly { readonly Name: string }[] | undefined;
}

const stableEngines = (): Map<string, boolean> =>
  processWide('engines with stable creation times', () => new Map<string, boolean>());

/** What an engine's events show about a volume's name. */
export type VolumeHistory = 'same' | 'replaced' | 'unknown';

type PastEvent = Pick<EngineEvent, 'kind' | 'action' | 'id' | 'atNano'>;

/**
 * Resolves to whether the volume `name`, which existed at `sinceMs`, has been replaced since.
 *
 * The result is `unknown` when the engine's events do not reach back that far: it keeps 256 at most (Docker
 * 20.10), and none from before its own start.
 *
 * @param sinceMs - In milliseconds since the epoch, by the engine's clock; counts in whole seconds.
 * @throws EngineError when the engine does not respond.
 */
export async function readVolumeHistory(
  engine: Engine,
  name: string,
  sinceMs: number,
): Promise<VolumeHistory> {
  const untilMs = valueOf(await readEngineClock(engine));
  const closing = new AbortController();
  const lines = valueOf(
    await openEventStream(engine, {
      kinds: removableKinds,
      labels: [],
      since: 0,
      until: untilMs / 1_000,
      signal: closing.signal,
    }),
  );
  const events: PastEvent[] = [];
  for await (const line of lines) {
    const event = line.trim() === '' ? undefined : parseEngineEvent(line);
    if (event !== undefined) events.push(event);
  }
  closing.abort();
  return judgeHistory(events, name, Math.floor(sinceMs / 1_000));
}

/** Evaluates events in the order in which they arrived. */
export function judgeHistory(events: readonly PastEvent[], name: string, sinceSecond: number): VolumeHistory {
  const own = events.filter(({ kind, id }) => kind === 'volume' && id === name);
  const isReplaced = own.some(({ action, atNano }, index) => {
    if (action !== 'destroy' || secondOf(atNano) < sinceSecond) return false;
    // Within that second, the event may be the removal of an earlier volume.
    const isCreatedLater = own
      .slice(index)
      .some((later) => later.action === 'create' && secondOf(later.atNano) > sinceSecond);
    return isCreatedLater || secondOf(atNano) > sinceSecond;
  });
  if (isReplaced) return 'replaced';
  // The events reach back to that second.
  return events.some(({ atNano }) => secondOf(atNano) <= sinceSecond) ? 'same' : 'unknown';
}

function secondOf(atNano: string): number {
  return Number(BigInt(atNano) / 1_000_000_000n);
}
