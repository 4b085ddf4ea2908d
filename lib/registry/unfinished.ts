import type { Owner } from '../core/labels';
import type { JournalFact } from './journal';

/** A journal record of a registered resource that is not recorded as gone. */
export type Unfinished = Extract<JournalFact, { fact: 'registered' }> & {
  /** The fact recorded once it existed; `undefined` when it may never have existed. */
  readonly present?: Extract<JournalFact, { fact: 'present' }> | undefined;
};

/** Returns the owners that a journal names, and its unfinished resources in the order of registration. */
export function replayJournal(facts: readonly JournalFact[]): {
  readonly owners: readonly Owner[];
  readonly unfinished: readonly Unfinished[];
} {
  const owners: Owner[] = [];
  const open = new Map<string, Unfinished>();
  for (const fact of facts) {
    switch (fact.fact) {
      case 'opened':
        owners.push(fact.owner);
        break;
      case 'registered':
        open.set(fact.key, fact);
        break;
      case 'present': {
        const known = open.get(fact.key);
        if (known !== undefined) open.set(fact.key, { ...known, present: fact });
        break;
      }
      case 'gone':
        open.delete(fact.key);
        break;
    }
  }
  return { owners, unfinished: [...open.values()] };
}
