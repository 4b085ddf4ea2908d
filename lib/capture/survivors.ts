import { isWithin } from '../core/bounds';
import { messageOf } from '../core/errors';
import { composeProjectLabel, labelNames } from '../core/labels';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import { identityOf } from '../engine/identity';
import type { ListedTarget } from '../engine/list-targets';
import { listOwned } from '../resources/list-owned';
import { recordedInRegistry } from '../registry/recorded';
import type { EntryUpdate, RegistryEntry } from '../registry/entry';
import type { Inspection } from '../resources/kind';
import { listParts } from '../resources/project-parts';
import { removables } from '../resources/removables';
import type { EndingCall } from './ending-calls';
import type { TrackedResources } from './tracked-resources';
import { warnCapture } from './warn';

const maxWaitMs = 5_000;

/** What is known of an entry when the engine has been asked: something new of what is there, that it is gone, or nothing. */
type Found = { readonly update?: EntryUpdate; readonly isGone: boolean };

/**
 * The raw entries that `filter` picks and that are still there. What is under way is waited for; then the engine is asked for each, and
 * what is gone is noted. What the engine does not tell is noted as `unknown`. Resources that another cleanup is removing are left to it.
 */
export async function findSurvivors(
  tracked: TrackedResources,
  filter: (entry: RegistryEntry) => boolean,
): Promise<readonly RegistryEntry[]> {
  const floating = new Map(
    tracked.open().map((entry) => [entry.key, tracked.endingCalls.underWay(entry)] as const),
  );
  await tracked.endingCalls.settle();
  const endsAt = performance.now() + maxWaitMs;
  await tracked.settle(maxWaitMs);
  const leftMs = (): number => Math.max(500, endsAt - performance.now());
  const asked = tracked.open().filter((entry) => isAskedFor(tracked, entry) && filter(entry));
  await Promise.all(asked.map((entry) => lookAt(tracked, entry, leftMs)));
  return asked.flatMap(({ key }) => {
    const entry = tracked.openEntry(key);
    // Its command still runs, or its request waits, and has not created it yet: it will carry the labels of the session when it does.
    const isYetToCome = entry?.state === 'registered' && tracked.runningKeys.has(key);
    if (entry === undefined || isYetToCome) return [];
    const [call] = floating.get(key) ?? [];
    return [call === undefined ? entry : tracked.options.registry.update(key, { floating: describe(call) })];
  });
}

/** `stop() at a.test.js:9`. */
function describe({ verb, source }: EndingCall): string {
  return source === undefined ? `${verb}()` : `${verb}() at ${source}`;
}

function isAskedFor({ removingKeys }: TrackedResources, { state, key }: RegistryEntry): boolean {
  const isOpen = state === 'registered' || state === 'present' || state === 'unknown';
  return isOpen || (state === 'cleaning' && removingKeys.has(key));
}

async function lookAt(tracked: TrackedResources, entry: RegistryEntry, leftMs: () => number): Promise<void> {
  const { registry } = tracked.options;
  try {
    const engine = (await connectEngine(entry.engine)).within({ timeoutMs: leftMs() });
    const { update = {}, isGone } = await find(tracked, entry, engine);
    const now = tracked.openEntry(entry.key);
    // While the engine was asked, the answer to its removal may have come, or somebody may have begun to clean it up.
    if (now?.state !== entry.state) return;
    if (!isGone) {
      const state = entry.state === 'unknown' ? 'present' : entry.state;
      registry.update(entry.key, { state, failure: undefined, ...update, engine: engine.address });
    } else if (!tracked.runningKeys.has(entry.key)) {
      registry.update(entry.key, { state: 'gone', outcome: outcomeOf(tracked, entry) });
      await giveUp(tracked, entry);
    }
  } catch (error) {
    const what = `look for ${entry.kind} ${entry.name ?? entry.id ?? entry.key}`;
    warnCapture(what, error, 'whether it is still there is not known');
    const isHelper = tracked.helperKeys.has(entry.key);
    if (!isHelper && tracked.openEntry(entry.key)?.state === entry.state)
      registry.update(entry.key, { state: 'unknown', failure: messageOf(error) });
  }
}

/** A later project of that name belongs to someone else. */
async function giveUp(tracked: TrackedResources, { kind, name, bounds }: RegistryEntry): Promise<void> {
  if (kind === 'compose-project') await tracked.options.release([`${composeProjectLabel}=${name}`], bounds);
}

function outcomeOf(
  { commandKeys, downedProjects }: TrackedResources,
  { key, kind, name = '', state }: RegistryEntry,
): string {
  if (kind === 'compose-project') return downedProjects.has(name) ? 'removed-by-code' : 'removed-elsewhere';
  return state === 'registered' && !commandKeys.has(key) ? 'never-created' : 'removed-elsewhere';
}

async function find(tracked: TrackedResources, entry: RegistryEntry, engine: Engine): Promise<Found> {
  const { kind, id, key, name, bounds = {} } = entry;
  if (kind === 'compose-project') {
    const parts = await listParts(engine, name ?? '');
    const isThere = parts.some((part) => isWithin(identityOf(part), bounds));
    return isThere ? { isGone: false, update: { state: 'present' } } : { isGone: true };
  }
  // The name of an image may stand for a newer one by now.
  if (id === undefined || kind === 'image') {
    const recorded = recordedInRegistry([entry]);
    const { owned, unclear } = await listOwned(engine, [`${labelNames.start}=${key}`], {
      kinds: [kind],
      recorded,
    });
    const [target] = [...owned, ...unclear.map((one) => one.target)];
    return target === undefined ? { isGone: true } : { isGone: false, update: updateOf(target) };
  }
  const seen = await removables[kind].inspect(engine, id);
  if (seen.meaning === 'gone') return { isGone: true };
  if (seen.meaning !== 'done') throw seen.error;
  if (kind === 'volume') return { isGone: !isSameVolume(entry, seen.value) };
  if (kind === 'container' && isOnItsWayOut(tracked, key, seen.value)) {
    await removables[kind].waitForRemoval?.(engine, id);
    // The end of the wait may be that of a removal which has failed.
    const again = await removables[kind].inspect(engine, id);
    if (again.meaning !== 'done' && again.meaning !== 'gone') throw again.error;
    return { isGone: again.meaning === 'gone' };
  }
  return { isGone: false };
}

/** An anonymous volume carries no labels: its name was drawn, and it was looked at when its container went. */
function isSameVolume({ key, identity }: RegistryEntry, seen: Inspection): boolean {
  return identity === undefined ? seen.labels[labelNames.start] === key : seen.identity === identity;
}

function updateOf({ kind, id, name, tags }: ListedTarget): EntryUpdate {
  if (kind !== 'image') return { state: 'present', id, name };
  return { state: 'present', id: tags?.[0] ?? id, identity: id };
}

function isOnItsWayOut({ autoRemovedKeys }: TrackedResources, key: string, { status }: Inspection): boolean {
  return status === 'removing' || (autoRemovedKeys.has(key) && status === 'exited');
}
