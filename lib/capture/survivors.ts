import { isWithin } from '../core/bounds';
import { messageOf } from '../core/errors';
import { readSource } from '../core/source-line';
import { composeProjectLabel, labelNames } from '../core/labels';
import { warnCapture } from '../core/warnings';
import { connectEngine } from '../engine/connect';
import { valueOf, type Engine } from '../engine/engine';
import { identityOf } from '../engine/identity';
import type { ListedTarget } from '../engine/list-targets';
import { listOwned } from '../resources/list-owned';
import { recordedIn, type EntryUpdate, type RegistryEntry } from '../registry/entry';
import type { Inspection } from '../resources/kind';
import { listParts } from '../resources/project-parts';
import { removables } from '../resources/removables';
import type { TeardownCall } from './teardown-calls';
import type { TrackedResources } from './tracked-resources';

const maxWaitMs = 5_000;

/** Implements `Capture.findSurvivors`. Skips resources that another cleanup is removing. */
export async function findSurvivors(
  tracked: TrackedResources,
  filter: (entry: RegistryEntry) => boolean,
): Promise<readonly RegistryEntry[]> {
  const floating = new Map(
    tracked.activeEntries().map((entry) => [entry.key, tracked.teardownCalls.pendingFor(entry)] as const),
  );
  await tracked.teardownCalls.settle();
  const endsAt = performance.now() + maxWaitMs;
  await tracked.settle(maxWaitMs);
  const leftMs = (): number => Math.max(500, endsAt - performance.now());
  const entries = tracked.activeEntries().filter((entry) => mayExist(tracked, entry) && filter(entry));
  await Promise.all(entries.map((entry) => updateEntry(tracked, entry, leftMs)));
  return entries.flatMap(({ key }) => {
    const entry = tracked.activeEntry(key);
    // Its command or request has not created it yet. When it does, the resource carries the session's labels.
    const isPending = entry?.state === 'registered' && tracked.inFlightKeys.has(key);
    if (entry === undefined || isPending) return [];
    const [call] = floating.get(key) ?? [];
    return [call === undefined ? entry : tracked.options.registry.update(key, { floating: describe(call) })];
  });
}

/** `stop() at a.test.js:9`; `stop() near a.test.js:8` with the line of its test or hook. */
function describe({ verb, source }: TeardownCall): string {
  if (source === undefined) return `${verb}()`;
  return readSource(source).isApproximate ? `${verb}() ${source}` : `${verb}() at ${source}`;
}

function mayExist({ removingKeys }: TrackedResources, { state, key }: RegistryEntry): boolean {
  const isOpen = state === 'registered' || state === 'present' || state === 'unknown';
  return isOpen || (state === 'cleaning' && removingKeys.has(key));
}

async function updateEntry(
  tracked: TrackedResources,
  entry: RegistryEntry,
  leftMs: () => number,
): Promise<void> {
  const { registry } = tracked.options;
  try {
    const engine = (await connectEngine(entry.engine)).within({ timeoutMs: leftMs() });
    const update = await inspectEntry(tracked, entry, engine);
    const current = tracked.activeEntry(entry.key);
    // Meanwhile the response to its removal may have arrived, or another cleanup may have started.
    if (current?.state !== entry.state) return;
    if (update !== 'gone') {
      const state = entry.state === 'unknown' ? 'present' : entry.state;
      registry.update(entry.key, { state, failure: undefined, ...update, engine: engine.address });
    } else if (!tracked.inFlightKeys.has(entry.key)) {
      registry.update(entry.key, { state: 'gone', outcome: outcomeOf(tracked, entry) });
      await releaseClaim(tracked, entry);
    }
  } catch (error) {
    const what = `inspect ${entry.kind} ${entry.name ?? entry.id ?? entry.key}`;
    warnCapture(what, error, 'it may still exist');
    const isHelper = tracked.helperKeys.has(entry.key);
    if (!isHelper && tracked.activeEntry(entry.key)?.state === entry.state)
      registry.update(entry.key, { state: 'unknown', failure: messageOf(error) });
  }
}

/** A later project with that name belongs to someone else. */
async function releaseClaim(tracked: TrackedResources, { kind, name, bounds }: RegistryEntry): Promise<void> {
  if (kind === 'compose-project') await tracked.options.release([`${composeProjectLabel}=${name}`], bounds);
}

function outcomeOf(
  { commandKeys, downedProjects }: TrackedResources,
  { key, kind, name = '', state }: RegistryEntry,
): string {
  if (kind === 'compose-project') return downedProjects.has(name) ? 'removed-by-code' : 'removed-elsewhere';
  return state === 'registered' && !commandKeys.has(key) ? 'never-created' : 'removed-elsewhere';
}

async function inspectEntry(
  tracked: TrackedResources,
  entry: RegistryEntry,
  engine: Engine,
): Promise<EntryUpdate | 'gone'> {
  const { kind, id, key, name, bounds = {} } = entry;
  if (kind === 'compose-project') {
    const parts = await listParts(engine, name ?? '');
    const hasParts = parts.some((part) => isWithin(identityOf(part), bounds));
    return hasParts ? { state: 'present' } : 'gone';
  }
  if (tracked.nameKeys.has(key) && id !== undefined) return (await isStillNamed(engine, entry)) ? {} : 'gone';
  // The name of an image may refer to a newer one by now.
  if (id === undefined || kind === 'image') {
    const recorded = recordedIn([entry]);
    const { owned, unclear } = await listOwned(engine, [`${labelNames.start}=${key}`], {
      kinds: [kind],
      recorded,
    });
    const [target] = [...owned, ...unclear.map((one) => one.target)];
    return target === undefined ? 'gone' : updateOf(target);
  }
  const inspected = await removables[kind].inspect(engine, id);
  if (inspected.meaning === 'gone') return 'gone';
  if (inspected.meaning !== 'done') throw inspected.error;
  if (kind === 'volume') return isSameVolume(entry, inspected.value) ? {} : 'gone';
  if (kind === 'container' && isBeingRemoved(tracked, key, inspected.value)) {
    await removables[kind].waitForRemoval?.(engine, id);
    // The wait also ends when the removal fails.
    const again = await removables[kind].inspect(engine, id);
    if (again.meaning !== 'done' && again.meaning !== 'gone') throw again.error;
    return again.meaning === 'gone' ? 'gone' : {};
  }
  return {};
}

/** Whether the name that a command gave to an image still refers to that image. */
async function isStillNamed(engine: Engine, { id = '', identity }: RegistryEntry): Promise<boolean> {
  const inspected = await removables.image.inspect(engine, id);
  return inspected.meaning !== 'gone' && valueOf(inspected).identity === identity;
}

/** An anonymous volume has no labels, but its identity was recorded when its container was removed. */
function isSameVolume({ key, identity }: RegistryEntry, inspected: Inspection): boolean {
  return identity === undefined
    ? inspected.labels[labelNames.start] === key
    : inspected.identity === identity;
}

function updateOf({ kind, id, name, tags }: ListedTarget): EntryUpdate {
  if (kind !== 'image') return { state: 'present', id, name };
  return { state: 'present', id: tags?.[0] ?? id, identity: id };
}

function isBeingRemoved({ autoRemovedKeys }: TrackedResources, key: string, { status }: Inspection): boolean {
  return status === 'removing' || (autoRemovedKeys.has(key) && status === 'exited');
}
