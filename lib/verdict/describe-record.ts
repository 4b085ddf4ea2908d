import { formatDuration } from '../core/durations';
import { plural } from '../core/plural';
import { shortId } from '../core/short-id';
import { reportOrder, resourceKinds } from '../core/kinds';
import type { KindCounts, FinalState, ResourceRecord } from './verdict';

/** Formats counts as `214 containers, 9 networks`; empty if all are zero. */
export function formatCounts(counts: KindCounts): string {
  return reportOrder
    .flatMap((kind) => {
      const count = counts[kind] ?? 0;
      return count === 0 ? [] : [plural(count, resourceKinds[kind].noun)];
    })
    .join(', ');
}

/** Formats a resource as `container web (3f2a91c0dd01)`, with the name or id that `docker` accepts. */
export function displayName({ kind, id, name }: Pick<ResourceRecord, 'kind' | 'id' | 'name'>): string {
  const short = id === undefined ? undefined : shortId(id);
  if (name === undefined || name === id || name === short) return `${kind} ${short ?? 'of unknown id'}`;
  return short === undefined ? `${kind} ${name}` : `${kind} ${name} (${short})`;
}

/** Returns the test that created a resource, or the name of its scope. */
export function describeCreator({ owner: { test, scope } }: Pick<ResourceRecord, 'owner'>): string {
  return test ?? scope;
}

/** Returns the milliseconds from a resource's registration to its latest change of state. */
export function lifetimeMsOf({ registeredAt, since }: ResourceRecord): number {
  return Math.max(0, since.getTime() - registeredAt.getTime());
}

/** Formats a lifetime as `3.2 s`, or `3.2 s so far` for a resource that may still exist. */
export function formatLifetime(record: ResourceRecord): string {
  const lifetime = formatDuration(lifetimeMsOf(record));
  return record.state === 'gone' ? lifetime : `${lifetime} so far`;
}

/** Returns whether a resource still exists; `unknown` if it was never inspected at the end of the run. */
export function finalStateOf({ state, lastLook = 'unknown' }: ResourceRecord): FinalState {
  return state === 'gone' ? 'gone' : lastLook;
}

const removedBy: Readonly<Record<string, string>> = {
  removed: 'by castoff',
  'removed-elsewhere': 'by another client',
  'already-gone': 'on its own',
  'removed-by-code': 'by test code, late',
};

const removals: Readonly<Record<FinalState, string>> = {
  there: 'NOT REMOVED',
  gone: 'at the end of the run',
  unknown: 'UNKNOWN',
};

/** Formats how a resource was removed: `by castoff`, `NOT REMOVED`. */
export function describeRemoval(record: ResourceRecord): string {
  const { state, outcome } = record;
  switch (state) {
    case 'gone':
      return removedBy[outcome ?? 'removed'] ?? `gone (${outcome})`;
    case 'kept':
      return 'kept';
    case 'left':
    case 'unknown':
    case 'registered':
    case 'present':
    case 'cleaning':
      return removals[finalStateOf(record)];
  }
}
