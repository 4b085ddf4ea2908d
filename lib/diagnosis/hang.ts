/** What can end a wait; `nothing` is proven. */
export type WaitEnd = { readonly nothing: true } | { readonly path: string | undefined };

/** A function that waits at an `await`. */
export interface Wait {
  /** Empty for an anonymous function. */
  readonly name: string;
  /** The line of its `await`, or else of the function, as `file:line`. */
  readonly line: string;
  readonly isExact: boolean;
  /**
   * The name of the function that came back to its `await` between two looks: its own, or that of a function of
   * a package that it calls. `undefined` for none.
   */
  readonly loop?: string | undefined;
  /** What can end its wait; `undefined` if it waits for another function of the user. */
  readonly endedBy?: WaitEnd | undefined;
}

/** The function of a test or hook that is running. */
export interface RunningFunction {
  /** What the runner waits for: the promise that it has returned, or the callback `done` that it was given. */
  readonly waitsFor: object;
  readonly code: unknown;
  /** Whether no other code can settle the promise: the function is an async function. */
  readonly isAsync: boolean;
}

/** Where a test waits. */
export interface Hang {
  /** What the test waits for: functions, the innermost first; the last one is its own. */
  readonly chain: readonly Wait[];
  /** Other functions of the user that have not returned, and loop. */
  readonly others: readonly Wait[];
  /** Set when no function waits: the function of the test, and what can settle its promise or call its `done`. */
  readonly alone?: AloneWait | undefined;
  /** Pending timers that call the user's functions, as texts. */
  readonly timers: readonly string[];
  /** Whether each function of the chain was at the same `await` in both looks. */
  readonly isUnmoved: boolean;
  /** Time between the two looks, in milliseconds. */
  readonly betweenMs: number;
}

/** A wait of a test in which none of its functions waits at an `await` that can continue. */
export interface AloneWait {
  /** The line of the function. */
  readonly line: string | undefined;
  /** The lines of its `await`: it waits at one of them if it is an async function. */
  readonly awaitLines: readonly string[];
  readonly waitsFor: 'promise' | 'done';
  readonly endedBy: WaitEnd;
}
