import type { Meaning } from '../engine/answers';

/** How a resource was removed, once that is verified. */
export type GoneOutcome = 'removed' | 'already-gone' | 'removed-elsewhere';

/** Next step of a removal. */
export type Step =
  | 'inspect'
  | 'stop'
  | 'remove'
  /** Wait for another client's removal. */
  | 'wait-for-removal'
  /** Disconnect attached containers. */
  | 'detach'
  | 'pause'
  | 'finish'
  | 'give-up';

/** State of one removal. */
export interface RemovalState {
  readonly step: Step;
  readonly afterPause: 'inspect' | 'remove';
  /**
   * Its id can only ever refer to this resource. A name may be reused during a pause: inspect before
   * removing.
   */
  readonly isImmutableId: boolean;
  /** Whether a graceful stop is still to be requested, and how often it was. */
  readonly isStopWanted: boolean;
  readonly stops: number;
  /** Removal requests sent. */
  readonly removals: number;
  /** An answer has shown that it exists. */
  readonly isKnownToExist: boolean;
  /** One of our removal requests was accepted or got no response: this cleanup may have removed it. */
  readonly isPossiblyOurs: boolean;
  /** Another client's removal was in progress. */
  readonly isRemovedByOthers: boolean;
  /** Attached containers can be disconnected: networks. */
  readonly isDetachable: boolean;
  /** Whether to inspect after the engine reports success, rather than trust it. */
  readonly verify: boolean;
  /** A removal was reported as finished: if the resource still exists, pause before the next step. */
  readonly isReportedDone: boolean;
  /** Its last known state: `running`, `removing`, `dead`. */
  readonly status?: string | undefined;
}

/** Answer to the state's step; `status` is from an inspection. */
export interface StepAnswer {
  readonly meaning: Meaning;
  readonly status?: string | undefined;
}

/** Facts known before a removal starts. */
export interface RemovalStart {
  readonly isImmutableId: boolean;
  /** An inspection has shown that it exists. */
  readonly isKnownToExist: boolean;
  readonly isStopWanted: boolean;
  readonly isDetachable: boolean;
  /** Whether to inspect after the engine reports success. Default true. */
  readonly verify?: boolean | undefined;
}

/** Returns the state in which a removal starts. */
export function initialRemovalState(start: RemovalStart): RemovalState {
  return {
    step: !start.isImmutableId && !start.isKnownToExist ? 'inspect' : start.isStopWanted ? 'stop' : 'remove',
    afterPause: 'inspect',
    isImmutableId: start.isImmutableId,
    isStopWanted: start.isStopWanted,
    stops: 0,
    removals: 0,
    isKnownToExist: start.isKnownToExist,
    isPossiblyOurs: false,
    isRemovedByOthers: false,
    isDetachable: start.isDetachable,
    verify: start.verify !== false,
    isReportedDone: false,
  };
}

/** After a stop without a response, try once more; then send the removal, which kills. */
const maxStops = 2;

/** Returns the state after `answer` to the current step. `finish` and `give-up` are final. */
export function advance(state: RemovalState, answer: StepAnswer): RemovalState {
  switch (state.step) {
    case 'inspect':
      return afterInspect(state, answer);
    case 'stop':
      return afterStop(state, answer);
    case 'remove':
      return afterRemove({ ...state, removals: state.removals + 1 }, answer);
    case 'wait-for-removal':
      return afterWait(state, answer);
    case 'detach':
      return pause(state, 'remove');
    case 'pause':
      return { ...state, step: state.afterPause };
    case 'finish':
    case 'give-up':
      return state;
  }
}

function afterInspect(state: RemovalState, { meaning, status }: StepAnswer): RemovalState {
  switch (meaning) {
    case 'gone':
      return { ...state, step: 'finish' };
    case 'done':
      return afterPresent({ ...state, isKnownToExist: true, status });
    // 500 "RWLayer of container … is unexpectedly nil": remove it anyway. @see moby, daemon/inspect.go
    case 'failed':
      return pause(state, 'remove');
    case 'being-removed':
    case 'busy':
    case 'engine-away':
      return pause(state, 'inspect');
    case 'refused':
      return { ...state, step: 'give-up' };
  }
}

function afterPresent(state: RemovalState): RemovalState {
  if (state.isReportedDone) {
    return pause({ ...state, isReportedDone: false }, state.status === 'removing' ? 'inspect' : 'remove');
  }
  if (state.status === 'removing')
    return { ...state, isRemovedByOthers: !state.isPossiblyOurs, step: 'wait-for-removal' };
  if (state.isStopWanted && state.status === 'running') return { ...state, step: 'stop' };
  return { ...state, step: 'remove' };
}

function afterStop(state: RemovalState, { meaning }: StepAnswer): RemovalState {
  const stops = state.stops + 1;
  const asked = { ...state, stops, isStopWanted: meaning === 'engine-away' && stops < maxStops };
  switch (meaning) {
    case 'done':
      return { ...asked, isKnownToExist: true, step: 'remove' };
    case 'gone':
      return { ...asked, step: 'finish' };
    case 'being-removed':
    case 'busy':
    case 'failed':
    case 'refused':
      return { ...asked, step: 'remove' };
    case 'engine-away':
      return pause(asked, 'inspect');
  }
}

function afterRemove(state: RemovalState, { meaning }: StepAnswer): RemovalState {
  switch (meaning) {
    case 'done':
      // The next inspection verifies it.
      return {
        ...state,
        isKnownToExist: true,
        isPossiblyOurs: true,
        isReportedDone: true,
        step: state.verify ? 'inspect' : 'finish',
      };
    case 'gone':
      return { ...state, step: 'finish' };
    case 'being-removed':
      return { ...state, isKnownToExist: true, isRemovedByOthers: true, step: 'wait-for-removal' };
    case 'busy':
      return state.isDetachable
        ? { ...state, isKnownToExist: true, step: 'detach' }
        : pause({ ...state, isKnownToExist: true }, 'remove');
    case 'failed':
      return pause({ ...state, isKnownToExist: true, isPossiblyOurs: true }, 'inspect');
    case 'engine-away':
      return pause({ ...state, isPossiblyOurs: true }, 'inspect');
    case 'refused':
      return { ...state, step: 'give-up' };
  }
}

function afterWait(state: RemovalState, { meaning }: StepAnswer): RemovalState {
  switch (meaning) {
    case 'gone':
      return { ...state, step: 'finish' };
    // The wait finished, was cut off, or reported a failed removal: an inspection shows whether it is gone or
    // `dead`.
    case 'done':
      return { ...state, isReportedDone: true, step: 'inspect' };
    case 'being-removed':
    case 'busy':
    case 'failed':
    case 'engine-away':
    case 'refused':
      return pause(state, 'inspect');
  }
}

function pause(state: RemovalState, afterPause: 'inspect' | 'remove'): RemovalState {
  return { ...state, step: 'pause', afterPause: state.isImmutableId ? afterPause : 'inspect' };
}

/** Returns how a resource was removed. Claims only what the answers have shown. */
export function outcomeOf(state: RemovalState): GoneOutcome {
  if (state.isPossiblyOurs) return 'removed';
  return state.isKnownToExist || state.isRemovedByOthers ? 'removed-elsewhere' : 'already-gone';
}
