import { messageOf } from '../core/errors';
import { labelNames } from '../core/labels';
import type { ResourceKind } from '../resources/kind';
import { matchesIgnore } from './ignore';
import type {
  KindCounts,
  LeakSettings,
  LeftOnEngine,
  UnremovedResource,
  RunEnd,
  ResourceRecord,
  Verdict,
} from './verdict';
import { finalStateOf } from './describe-record';

/**
 * What the end of a run means.
 *
 * A leak is raw, outlived its owner, and no ignore rule lets it be; a dead worker's things are orphans instead. The run fails for
 * leaks where `leaks` is `fail`, and always for what could not be removed, or could not be looked up: that is our fault or the
 * engine's, never wanted.
 */
export function judge(seen: RunEnd, settings: LeakSettings): Verdict {
  const things = withoutTwins(seen.things);
  const end = { ...seen, things };
  const outlived = settings.leaks === 'off' ? [] : things.filter((thing) => isLeak(thing));
  const isIgnored = (thing: ResourceRecord): boolean =>
    settings.ignore.some((pattern) => matchesIgnore(pattern, thing));
  const leaks = outlived.filter((thing) => !isIgnored(thing));
  const left = findLeft(end);
  const failures = wordsOf(end.failures, left);
  return {
    mode: settings.leaks,
    counts: countKinds(things),
    leaks,
    ignored: outlived.filter((thing) => isIgnored(thing)),
    orphans: things.filter((thing) => thing.isOrphan === true && hasExisted(thing) && thing.state === 'gone'),
    died: things.filter(({ died }) => died !== undefined),
    deadWorkers: end.deadWorkers ?? 0,
    kept: things.filter(({ state }) => state === 'kept'),
    left,
    failures,
    isFailure: (settings.leaks === 'fail' && leaks.length > 0) || left.length > 0 || failures.length > 0,
  };
}

/**
 * What raw code created and then gave to a scope was seen twice: it is the scope's. What came under the name of something that was gone by
 * then is another thing.
 */
function withoutTwins(things: readonly ResourceRecord[]): readonly ResourceRecord[] {
  const byScopes = things.filter(({ origin }) => origin === 'scope');
  const known = Map.groupBy(byScopes, (thing) => keyOf(thing));
  return things.filter((thing) => {
    if (thing.origin === 'scope' || thing.id === undefined) return true;
    const ofName = known.get(keyOf(thing)) ?? [];
    known.set(keyOf(thing), [...ofName, thing]);
    return ofName.every((other) => isGoneBefore(other, thing));
  });
}

function isGoneBefore({ state, since }: ResourceRecord, { registeredAt }: ResourceRecord): boolean {
  return state === 'gone' && since.getTime() <= registeredAt.getTime();
}

function keyOf({ kind, id = '' }: ResourceRecord): string {
  return `${kind} ${id}`;
}

function isLeak(thing: ResourceRecord): boolean {
  return (
    thing.origin === 'raw' && thing.leakedAt !== undefined && thing.isOrphan !== true && hasExisted(thing)
  );
}

function hasExisted({ state, id, outcome }: ResourceRecord): boolean {
  return outcome !== 'never-created' && (state !== 'registered' || id !== undefined);
}

function countKinds(things: readonly ResourceRecord[]): KindCounts {
  const counts: Partial<Record<ResourceKind, number>> = {};
  for (const thing of things) if (hasExisted(thing)) counts[thing.kind] = (counts[thing.kind] ?? 0) + 1;
  return counts;
}

/** What the engine still has, may still have, and what could not be removed when its turn came. */
function findLeft({ things, left }: RunEnd): readonly UnremovedResource[] {
  const onEngine = new Set(left.flatMap((target) => recordOf(target, things) ?? []));
  const failed = things
    .map((thing) => ({
      thing,
      failure: thing.failure,
      lastLook: onEngine.has(thing) ? 'there' : finalStateOf(thing),
    }))
    .filter(
      ({ thing, lastLook }) => thing.state !== 'kept' && (thing.state === 'left' || lastLook !== 'gone'),
    );
  const unclaimed = left
    .filter((target) => recordOf(target, things) === undefined)
    .map((target) => ({ thing: describeByLabels(target), lastLook: 'there' as const }));
  return [...failed, ...unclaimed];
}

function recordOf(target: LeftOnEngine, things: readonly ResourceRecord[]): ResourceRecord | undefined {
  const ofKind = things.filter(({ kind }) => kind === target.kind);
  return (
    ofKind.find(({ id }) => id !== undefined && (id === target.id || id === target.name)) ??
    ofKind.find(({ id, name }) => id === undefined && name !== undefined && name === target.name)
  );
}

function describeByLabels({ kind, id, name, labels = {} }: LeftOnEngine): UnremovedResource['thing'] {
  return {
    kind,
    id,
    name,
    scope: labels[labelNames.scope] ?? '',
    test: labels[labelNames.test],
    source: labels[labelNames.source],
  };
}

/** A failure that a thing's own row tells already is not told twice. */
function wordsOf(failures: readonly unknown[], left: readonly UnremovedResource[]): readonly string[] {
  const told = new Set(left.map(({ failure }) => failure));
  return [...new Set(failures.flatMap((failure) => leavesOf(failure)))].filter((words) => !told.has(words));
}

function leavesOf(error: unknown, depth = 0): readonly string[] {
  const nested: unknown =
    typeof error === 'object' && error !== null && 'errors' in error ? error.errors : undefined;
  if (!Array.isArray(nested) || nested.length === 0 || depth > 5) return [messageOf(error)];
  return nested.flatMap((leaf: unknown) => leavesOf(leaf, depth + 1));
}
