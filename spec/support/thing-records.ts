import type { ResourceRecord } from '../../lib/verdict/verdict';

/** `docker ps` shows it as `cccccccccccc`. */
export const shownId = 'c'.repeat(64);
let made = 0;

const registeredAt = new Date('2026-11-21T12:00:00Z');

/** A raw container with an id of its own that lived for 3.2 s and was removed; `facts` say what is different about it. */
export function thing(facts: Partial<ResourceRecord> = {}): ResourceRecord {
  made += 1;
  return {
    kind: 'container',
    id: made.toString(16).padStart(64, '0'),
    origin: 'raw',
    scope: 'a.spec.ts',
    registeredAt,
    state: 'gone',
    since: new Date(registeredAt.getTime() + 3_200),
    outcome: 'removed',
    ...facts,
  };
}

/** The same, but that it was there when its owner had ended. */
export function leak(facts: Partial<ResourceRecord> = {}): ResourceRecord {
  return thing({ leakedAt: new Date(registeredAt.getTime() + 3_000), ...facts });
}
