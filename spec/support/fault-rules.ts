import { matching, type Asked } from './fault-pattern';

/** What is done to one call. All but `delay` and `hold` end it for the client; `lose-answer` and `cut-answer` after the engine acted. */
export type Fault =
  /** Answered in the engine's name, which is not asked. `body` goes out as JSON in place of `{"message": …}`. */
  | { readonly type: 'answer'; readonly status: number; readonly message?: string; readonly body?: unknown }
  /** Asked so much later. */
  | { readonly type: 'delay'; readonly ms: number }
  /** Asked when `until` resolves; it must not reject. */
  | { readonly type: 'hold'; readonly until: Promise<unknown> }
  /** The client's connection is closed, and the engine not asked. */
  | { readonly type: 'reset' }
  /** Never answered, and the engine not asked. */
  | { readonly type: 'swallow' }
  /** The engine is asked and answers in full; the client's connection is closed instead of passing that on. */
  | { readonly type: 'lose-answer' }
  /** The client gets the status and the headers of the engine's answer; then its connection is closed. */
  | { readonly type: 'cut-answer' };

export interface Rule {
  /** Patterns as in {@link matching}: `'DELETE /containers/*'`. */
  readonly on: string | readonly string[];
  /** The fault, or what chooses one for the nth call (from 1) that `on` matches; undefined lets the next rule decide. */
  readonly fault: Fault | ((asked: Asked, nth: number) => Fault | undefined);
  /** After so many faults the rule is used up. Default 1. */
  readonly times?: number | undefined;
}

export interface InjectedRule {
  /** How many faults it has brought about. */
  hits(): number;
  remove(): void;
}

/** The rules of one proxy, tried in the order in which they came. */
export class FaultRules {
  readonly #rules = new Set<(asked: Asked) => Fault | undefined>();

  add(rule: Rule): InjectedRule {
    const { fault, times = 1 } = rule;
    const matches = matching(rule.on);
    const choose = typeof fault === 'function' ? fault : () => fault;
    let seen = 0;
    let hits = 0;
    const decide = (asked: Asked): Fault | undefined => {
      if (hits >= times || !matches(asked)) return undefined;
      seen += 1;
      const chosen = choose(asked, seen);
      if (chosen) hits += 1;
      return chosen;
    };
    this.#rules.add(decide);
    return { hits: () => hits, remove: () => void this.#rules.delete(decide) };
  }

  decide(asked: Asked): Fault | undefined {
    for (const decide of this.#rules) {
      const fault = decide(asked);
      if (fault) return fault;
    }
    return undefined;
  }
}
