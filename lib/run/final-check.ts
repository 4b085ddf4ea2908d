import pLimit from 'p-limit';
import { asError } from '../core/errors';
import { labelNames } from '../core/labels';
import { timeouts } from '../core/timeouts';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import type { ListedTarget } from '../engine/list-targets';
import type { FinalState } from '../verdict/verdict';
import { recordedIn, type RegistryEntry } from '../registry/entry';
import { isEntryPresent, listLeftovers } from './find-entry';

interface FinalCheckOptions {
  readonly session: string;
  readonly entries: readonly RegistryEntry[];
  /** Stops the check. */
  readonly signal: AbortSignal;
  /** The resources with the session's label, if nothing was removed since they were listed. */
  readonly listed?: readonly ListedTarget[] | undefined;
}

interface FinalCheck {
  /** The resources that carry the session's label. */
  readonly left: readonly ListedTarget[];
  /** The states of the entries that are neither gone nor kept, by key. */
  readonly states: ReadonlyMap<string, FinalState>;
  /** The reason why `left` could not be listed. */
  readonly error?: Error | undefined;
}

const maxConcurrentInspections = 8;

/**
 * Lists the session's resources on the engine, unless they are known, and inspects each entry that is neither
 * gone nor kept. Never rejects.
 */
export async function checkFinally(
  engine: Engine,
  { session, entries, signal, listed: known }: FinalCheckOptions,
): Promise<FinalCheck> {
  const [listing] = await Promise.allSettled([
    known ?? listLeftovers(engine, [`${labelNames.session}=${session}`], recordedIn(entries), signal),
  ]);
  const listed = listing.status === 'fulfilled' ? listing.value : undefined;
  const limit = pLimit(maxConcurrentInspections);
  const states = new Map<string, FinalState>();
  const inspect = async (entry: RegistryEntry): Promise<void> =>
    void states.set(entry.key, await inspectEntry(entry, engine, listed, signal));
  const open = entries.filter(({ state }) => state !== 'gone' && state !== 'kept');
  // Never rejects, since `inspectEntry` does not.
  await Promise.allSettled(open.map((entry) => limit(() => inspect(entry))));
  if (listing.status === 'fulfilled') return { left: listing.value, states };
  return { left: [], states, error: asError(signal.aborted ? signal.reason : listing.reason) };
}

/** Resolves to `gone` only when the engine has answered so. */
async function inspectEntry(
  entry: RegistryEntry,
  engine: Engine,
  listed: readonly ListedTarget[] | undefined,
  signal: AbortSignal,
): Promise<FinalState> {
  const { kind, key, id = kind === 'compose-project' ? entry.name : undefined } = entry;
  if (listed?.some((target) => target.kind === kind && target.labels[labelNames.start] === key))
    return 'there';
  // A resource whose creation was not answered carries the labels of the request.
  if (id === undefined) return listed === undefined ? 'unknown' : 'gone';
  if (signal.aborted) return 'unknown';
  try {
    const own = entry.engine === undefined ? engine : await connectEngine(entry.engine);
    const isPresent = await isEntryPresent(own.within({ timeoutMs: timeouts.inspectMs, signal }), entry, id);
    return isPresent ? 'there' : 'gone';
  } catch {
    // EngineError, or ENGINE_UNREACHABLE for another engine: the entry has the error of its removal, which is
    // more useful.
    return 'unknown';
  }
}
