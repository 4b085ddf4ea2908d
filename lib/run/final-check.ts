import { asError } from '../core/errors';
import { labelNames } from '../core/labels';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import type { ListedTarget } from '../engine/list-targets';
import type { FinalState } from '../verdict/verdict';
import type { RegistryEntry } from '../registry/entry';
import { recordedInRegistry } from '../registry/recorded';
import { cleanupMany } from '../resources/plan';
import { isEntryPresent, listLeftovers } from './find-entry';

interface LookedFor {
  readonly session: string;
  readonly entries: readonly RegistryEntry[];
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

export interface FinalCheck {
  /** What carries the session's label. */
  readonly left: readonly ListedTarget[];
  /** By the key of each entry that is neither gone nor kept. */
  readonly looks: ReadonlyMap<string, FinalState>;
  /** Why that could not be listed. */
  readonly error?: Error | undefined;
}

const lookTimeoutMs = 5_000;

/** Lists what the engine has of a session, and looks at each entry that is not known to be gone. It never rejects. */
export async function checkFinally(
  engine: Engine,
  { session, entries, signal }: LookedFor,
): Promise<FinalCheck> {
  const [listing] = await Promise.allSettled([
    listLeftovers(engine, [`${labelNames.session}=${session}`], recordedInRegistry(entries), signal),
  ]);
  const listed = listing.status === 'fulfilled' ? listing.value : undefined;
  const targets = entries
    .filter(({ state }) => state !== 'gone' && state !== 'kept')
    .map((entry) => ({ kind: entry.kind, id: entry.id ?? '', entry }));
  const ends = await cleanupMany(targets, ({ entry }) => lookOnceMore(entry, engine, listed, signal));
  const looks = new Map(ends.map(({ target, result = 'unknown' }) => [target.entry.key, result]));
  if (listing.status === 'fulfilled') return { left: listing.value, looks };
  return { left: [], looks, error: asError(signal.aborted ? signal.reason : listing.reason) };
}

/** Only an answer of the engine says that something is gone. */
async function lookOnceMore(
  entry: RegistryEntry,
  engine: Engine,
  listed: readonly ListedTarget[] | undefined,
  signal: AbortSignal,
): Promise<FinalState> {
  const { kind, key, id = kind === 'compose-project' ? entry.name : undefined } = entry;
  if (listed?.some((target) => target.kind === kind && target.labels[labelNames.start] === key))
    return 'there';
  // What was created without an answer carries the labels that it was sent with.
  if (id === undefined) return listed === undefined ? 'unknown' : 'gone';
  if (signal.aborted) return 'unknown';
  try {
    const there = entry.engine === undefined ? engine : await connectEngine(entry.engine);
    const isThere = await isEntryPresent(there.within({ timeoutMs: lookTimeoutMs, signal }), entry, id);
    return isThere ? 'there' : 'gone';
  } catch {
    // EngineError, or another engine that is ENGINE_UNREACHABLE: why its removal failed says more.
    return 'unknown';
  }
}
