import { matching, type Asked } from './fault-pattern';

/**
 * A fault of one call. All but `delay` and `hold` end it for the client; `lose-answer` and `cut-answer` after
 * the engine acted.
 */
export type Fault =
  /** The proxy answers instead of the engine. `body` is sent as JSON instead of `{"message": …}`. */
  | { readonly type: 'answer'; readonly status: number; readonly message?: string; readonly body?: unknown }
  /** The call reaches the engine after `ms` milliseconds. */
  | { readonly type: 'delay'; readonly ms: number }
  /** The call reaches the engine when `until` resolves; it must not reject. */
  | { readonly type: 'hold'; readonly until: Promise<unknown> }
  /** The client's connection is closed; the engine does not get the call. */
  | { readonly type: 'reset' }
  /** The client gets no response; the engine does not get the call. */
  | { readonly type: 'swallow' }
  /** The engine responds in full, but the client's connection is closed instead of passing that on. */
  | { readonly type: 'lose-answer' }
  /** The client gets the status and headers of the engine's response; then its connection is closed. */
  | { readonly type: 'cut-answer' };

export interface Rule {
  /** Patterns as in {@link matching}: `'DELETE /containers/*'`. */
  readonly on: string | readonly string[];
  /**
   * The fault, or a function that chooses one for the nth matching call (from 1); undefined leaves it to the
   * next rule.
   */
  readonly fault: Fault | ((asked: Asked, nth: number) => Fault | undefined);
  /** The number of faults after which the rule is used up. Default 1. */
  readonly times?: number | undefined;
}

export interface InjectedRule {
  /** The number of faults that it has caused. */
  hits(): number;
  remove(): void;
}

/** The rules of one proxy, tried in order of injection. */
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

  clear(): void {
    this.#rules.clear();
  }

  decide(asked: Asked): Fault | undefined {
    for (const decide of this.#rules) {
      const fault = decide(asked);
      if (fault) return fault;
    }
    return undefined;
  }
}
