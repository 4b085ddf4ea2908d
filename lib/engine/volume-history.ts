import { processWide } from '../core/global-state';
import { valueOf, type Engine } from './engine';
import { readEngineClock } from './engine-clock';
import { parseEngineEvent, type EngineEvent } from './engine-event';
import { openEventStream } from './event-calls';

/**
 * Whether the engine says when a volume was created. Docker before 23.0 (API 1.42) says when the folder of its content has last
 * changed: a container that writes a file there changes it. @see moby#44719
 */
export async function hasStableCreatedAt(engine: Engine): Promise<boolean> {
  const known = steadiness();
  const before = known.get(engine.address);
  if (before !== undefined) return before;
  const answer = await engine.ask('version', engine.address, (docker) => docker.version());
  // Where it does not say, nothing is to rest on its times.
  if (answer.meaning !== 'done') return false;
  const version = answer.value as EngineVersion;
  const isPodman = version.Components?.some(({ Name }) => Name.startsWith('Podman')) === true;
  const [major = 0, minor = 0] = version.ApiVersion.split('.').map(Number);
  const isSteady = isPodman || major > 1 || (major === 1 && minor >= 42);
  known.set(engine.address, isSteady);
  return isSteady;
}

interface EngineVersion {
  readonly ApiVersion: string;
  readonly Components?: readonly { readonly Name: string }[] | undefined;
}

const steadiness = (): Map<string, boolean> =>
  processWide('engines with a steady CreatedAt', () => new Map<string, boolean>());

/** What the engine remembers of a volume's name. */
export type VolumeHistory = 'same' | 'replaced' | 'unknown';

type PastEvent = Pick<EngineEvent, 'kind' | 'action' | 'id' | 'atNano'>;

/**
 * Whether the volume `name`, which existed in the second `sinceMs`, has been replaced since, by the events that the engine remembers: 256
 * at the most (Docker 20.10), and none from before its own start.
 *
 * @throws EngineError when the engine does not answer.
 */
export async function readVolumeHistory(
  engine: Engine,
  name: string,
  sinceMs: number,
): Promise<VolumeHistory> {
  const untilMs = valueOf(await readEngineClock(engine));
  const closing = new AbortController();
  const { lines } = valueOf(
    await openEventStream(engine, {
      kinds: ['container', 'network', 'volume', 'image'],
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

/** In the order in which the events came. */
export function judgeHistory(events: readonly PastEvent[], name: string, sinceSecond: number): VolumeHistory {
  const own = events.filter(({ kind, id }) => kind === 'volume' && id === name);
  const isReplaced = own.some(({ action, atNano }, index) => {
    if (action !== 'destroy' || secondOf(atNano) < sinceSecond) return false;
    // In the very second, it may be the one before that went.
    const isCreatedLater = own
      .slice(index)
      .some((later) => later.action === 'create' && secondOf(later.atNano) > sinceSecond);
    return isCreatedLater || secondOf(atNano) > sinceSecond;
  });
  if (isReplaced) return 'replaced';
  // What it remembers reaches back to then.
  return events.some(({ atNano }) => secondOf(atNano) <= sinceSecond) ? 'same' : 'unknown';
}

function secondOf(atNano: string): number {
  return Number(BigInt(atNano) / 1_000_000_000n);
}
