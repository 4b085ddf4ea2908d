import type { Owner } from '../core/labels';
import type { JournalFact } from './journal';

/** Something of which a journal tells that it was begun, and does not tell that it is gone. */
export type Unfinished = Extract<JournalFact, { fact: 'registered' }> & {
  /** What was noted when it existed; `undefined`: whether it ever did is not known. */
  readonly present?: Extract<JournalFact, { fact: 'present' }> | undefined;
};

/** What follows from a journal's facts: whose it is, and what is unfinished, in the order in which it was begun. */
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
