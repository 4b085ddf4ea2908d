import { formatDuration } from '../core/durations';
import { shortId } from '../core/short-id';
import type { ResourceKind } from '../resources/kind';
import type { KindCounts, FinalState, ResourceRecord } from './verdict';

const order: readonly ResourceKind[] = ['container', 'network', 'volume', 'image', 'compose-project'];

/** `214 containers, 9 networks`; empty for nothing. */
export function formatCounts(counts: KindCounts): string {
  return order
    .flatMap((kind) => {
      const count = counts[kind] ?? 0;
      return count === 0 ? [] : [plural(count, kind === 'compose-project' ? 'Compose project' : kind)];
    })
    .join(', ');
}

/** `1 leak`, `2 leaks`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `container web (3f2a91c0dd01)`: what a person types at `docker`. */
export function displayName({ kind, id, name }: Pick<ResourceRecord, 'kind' | 'id' | 'name'>): string {
  const short = id === undefined ? undefined : shortId(id);
  if (name === undefined || name === id || name === short) return `${kind} ${short ?? 'of unknown id'}`;
  return short === undefined ? `${kind} ${name}` : `${kind} ${name} (${short})`;
}

/** Where the thing belongs, in a person's words: the test, else the scope. */
export function describeCreator({ test, scope }: Pick<ResourceRecord, 'test' | 'scope'>): string {
  return test ?? scope;
}

/** From its registration to its end, as far as the record goes. */
export function lifetimeMsOf({ registeredAt, since }: ResourceRecord): number {
  return Math.max(0, since.getTime() - registeredAt.getTime());
}

export function formatLifetime(thing: ResourceRecord): string {
  return thing.state === 'gone'
    ? formatDuration(lifetimeMsOf(thing))
    : `${formatDuration(lifetimeMsOf(thing))} so far`;
}

const endings: Readonly<Record<string, string>> = {
  removed: 'by castoff',
  'removed-elsewhere': 'by somebody else',
  'already-gone': 'by itself',
  'removed-by-code': 'by its own code, late',
};

/** Whether it is still there, as far as anybody has seen: where no look was made, nothing is known. */
export function finalStateOf({ state, lastLook = 'unknown' }: ResourceRecord): FinalState {
  return state === 'gone' ? 'gone' : lastLook;
}

const looks: Readonly<Record<FinalState, string>> = {
  there: 'NOT REMOVED',
  gone: 'at the end of the run',
  unknown: 'UNKNOWN',
};

/** How it was removed in the end. */
export function describeEnd(thing: ResourceRecord): string {
  const { state, outcome } = thing;
  switch (state) {
    case 'gone':
      return endings[outcome ?? 'removed'] ?? `gone (${outcome})`;
    case 'kept':
      return 'kept';
    case 'left':
    case 'unknown':
    case 'registered':
    case 'present':
    case 'cleaning':
      return looks[finalStateOf(thing)];
  }
}
