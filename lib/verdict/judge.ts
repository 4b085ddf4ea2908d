import { messageOf } from '../core/errors';
import { labelNames } from '../core/labels';
import type { ResourceKind } from '../core/kinds';
import { matchesHandle, matchesIgnore } from './ignore';
import type {
  Creator,
  KindCounts,
  LeakSettings,
  LeftOnEngine,
  OpenHandle,
  UnremovedResource,
  RunEnd,
  ResourceRecord,
  Verdict,
} from './verdict';
import { finalStateOf } from './describe-record';

/**
 * Judges the end of a run. A leak is a resource that code without a scope created, that outlived its owner,
 * and that no ignore pattern matches. Resources of a dead worker are orphans instead. Leaks fail the run if
 * `leaks` is `fail`, and open handles if `handles` is. Resources that could not be removed or inspected always
 * fail it, because only castoff or the engine can cause that.
 */
export function judge(
  { records: allRecords, failures: errors, left: onEngine, handles: open = [], deadWorkers = 0 }: RunEnd,
  settings: LeakSettings,
  creator?: Creator,
): Verdict {
  const records = withoutDuplicates(allRecords);
  const outlived = settings.leaks === 'off' ? [] : records.filter((record) => isLeak(record));
  const isIgnored = (record: ResourceRecord): boolean =>
    settings.ignore.some((pattern) => matchesIgnore(pattern, record));
  const isAllowed = (handle: OpenHandle): boolean =>
    settings.ignore.some((pattern) => matchesHandle(pattern, handle));
  const leaks = outlived.filter((record) => !isIgnored(record));
  const left = findUnremoved(records, onEngine);
  const handleMode = settings.handles ?? 'report';
  const handles = handleMode === 'off' ? [] : open.filter((handle) => !isAllowed(handle));
  const failures = failureMessages(errors, left);
  return {
    mode: settings.leaks,
    ...(creator !== undefined && { creator }),
    handleMode,
    handles,
    counts: countKinds(records),
    leaks,
    ignored: outlived.filter((record) => isIgnored(record)),
    orphans: records.filter(
      (record) => record.isOrphan === true && hasExisted(record) && record.state === 'gone',
    ),
    died: records.filter(({ died }) => died !== undefined),
    deadWorkers,
    kept: records.filter(({ state }) => state === 'kept'),
    left,
    failures,
    isFailure:
      (settings.leaks === 'fail' && leaks.length > 0) ||
      (handleMode === 'fail' && handles.length > 0) ||
      left.length > 0 ||
      failures.length > 0,
  };
}

/**
 * Drops the second record of a resource that code created and then gave to a scope: the scope owns it. A
 * resource that was created after another one of its name had been removed is not a duplicate.
 */
function withoutDuplicates(records: readonly ResourceRecord[]): readonly ResourceRecord[] {
  const ofScopes = records.filter(({ origin }) => origin === 'scope');
  const byKey = Map.groupBy(ofScopes, (record) => keyOf(record));
  return records.filter((record) => {
    if (record.origin === 'scope' || record.id === undefined) return true;
    const earlier = byKey.get(keyOf(record)) ?? [];
    byKey.set(keyOf(record), [...earlier, record]);
    return earlier.every((other) => wasRemovedBefore(other, record));
  });
}

function wasRemovedBefore({ state, since }: ResourceRecord, { registeredAt }: ResourceRecord): boolean {
  return state === 'gone' && since.getTime() <= registeredAt.getTime();
}

function keyOf({ kind, id = '' }: ResourceRecord): string {
  return `${kind} ${id}`;
}

function isLeak(record: ResourceRecord): boolean {
  const { origin, leakedAt, isOrphan } = record;
  return origin === 'raw' && leakedAt !== undefined && isOrphan !== true && hasExisted(record);
}

function hasExisted({ state, id, outcome }: ResourceRecord): boolean {
  return outcome !== 'never-created' && (state !== 'registered' || id !== undefined);
}

function countKinds(records: readonly ResourceRecord[]): KindCounts {
  const counts: Partial<Record<ResourceKind, number>> = {};
  for (const record of records) if (hasExisted(record)) counts[record.kind] = (counts[record.kind] ?? 0) + 1;
  return counts;
}

function findUnremoved(
  records: readonly ResourceRecord[],
  onEngine: readonly LeftOnEngine[],
): readonly UnremovedResource[] {
  const present = new Set(onEngine.flatMap((found) => recordOf(found, records) ?? []));
  const unremoved = records
    .map((record) => ({ ...record, lastLook: present.has(record) ? 'there' : finalStateOf(record) }))
    .filter(({ state, lastLook }) => state !== 'kept' && (state === 'left' || lastLook !== 'gone'));
  const unrecorded = onEngine.filter((found) => recordOf(found, records) === undefined);
  return [...unremoved, ...unrecorded.map((found) => describeByLabels(found))];
}

function recordOf(found: LeftOnEngine, records: readonly ResourceRecord[]): ResourceRecord | undefined {
  const ofKind = records.filter(({ kind }) => kind === found.kind);
  return (
    ofKind.find(({ id }) => id !== undefined && (id === found.id || id === found.name)) ??
    ofKind.find(({ id, name }) => id === undefined && name !== undefined && name === found.name)
  );
}

function describeByLabels({ kind, id, name, labels = {} }: LeftOnEngine): UnremovedResource {
  const { [labelNames.scope]: scope = '', [labelNames.test]: test, [labelNames.source]: source } = labels;
  return { kind, id, name, owner: { scope, test, source }, lastLook: 'there' };
}

/** Returns the messages of `errors` that no unremoved resource reports already, each once. */
function failureMessages(errors: readonly unknown[], left: readonly UnremovedResource[]): readonly string[] {
  const reported = new Set(left.map(({ failure }) => failure));
  const messages = new Set(errors.flatMap((error) => leafMessages(error)));
  return [...messages].filter((message) => !reported.has(message));
}

function leafMessages(error: unknown, depth = 0): readonly string[] {
  const nested: unknown =
    typeof error === 'object' && error !== null && 'errors' in error ? error.errors : undefined;
  if (!Array.isArray(nested) || nested.length === 0 || depth > 5) return [messageOf(error)];
  return nested.flatMap((leaf: unknown) => leafMessages(leaf, depth + 1));
}
