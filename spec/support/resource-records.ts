import type { EntryOwner } from '../../lib/registry/entry';
import type { OpenHandle, ResourceRecord } from '../../lib/verdict/verdict';

/** An id that `docker ps` shows as `cccccccccccc`. */
export const shownId = 'c'.repeat(64);
let count = 0;

const registeredAt = new Date('2026-11-21T12:00:00Z');

type Facts = Partial<Omit<ResourceRecord, 'owner'> & EntryOwner>;

/**
 * Returns the record of a removed container without a scope, with its own id and a lifetime of 3.2 s; `facts`
 * override.
 */
export function record({ scope = 'a.spec.ts', test, source, ...facts }: Facts = {}): ResourceRecord {
  count += 1;
  return {
    key: count.toString(16).padStart(16, '0'),
    kind: 'container',
    id: count.toString(16).padStart(64, '0'),
    origin: 'raw',
    owner: { scope, test, source },
    registeredAt,
    state: 'gone',
    since: new Date(registeredAt.getTime() + 3_200),
    outcome: 'removed',
    ...facts,
  };
}

/** Returns the record of a container that outlived its test file; `facts` override. */
export function leak(facts: Facts = {}): ResourceRecord {
  return record({ leakedAt: new Date(registeredAt.getTime() + 3_000), ...facts });
}

/** Returns an interval that a test left open; `facts` override. */
export function openHandle(facts: Partial<OpenHandle> = {}): OpenHandle {
  return {
    kind: 'interval',
    what: 'interval of 50 ms',
    source: 'spec/a.spec.ts:12',
    scope: 'spec/a.spec.ts/polls',
    test: 'polls',
    createdAt: registeredAt.toISOString(),
    count: 1,
    ageMs: 1_500,
    ...facts,
  };
}
