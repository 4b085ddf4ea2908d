import type { Meaning } from '../engine/answers';

/** How a thing came to be gone, once it is seen to be. */
export type GoneOutcome = 'removed' | 'already-gone' | 'removed-elsewhere';

/** What to do next about one thing that is to be gone. */
export type Step =
  | 'inspect'
  | 'stop'
  | 'remove'
  /** Wait for the end of somebody else's removal. */
  | 'wait-for-removal'
  /** Take off what still hangs on it. */
  | 'detach'
  | 'pause'
  | 'finish'
  | 'give-up';

export interface RemovalState {
  readonly step: Step;
  readonly afterPause: 'inspect' | 'remove';
  /** Its id names it for ever. A name may come to stand for something else in a pause: look before it is removed. */
  readonly isImmutableId: boolean;
  /** A graceful stop that is still to be asked for, and how often it was. */
  readonly isStopWanted: boolean;
  readonly stops: number;
  /** Removals sent. */
  readonly removals: number;
  /** The engine has spoken of it as a thing that exists. */
  readonly isKnownToExist: boolean;
  /** A removal of ours was accepted, or its answer was lost: its end may be our doing. */
  readonly isPossiblyOurs: boolean;
  /** Somebody else's removal was seen under way. */
  readonly isRemovedByOthers: boolean;
  /** Something may hang on it that can be taken off: networks. */
  readonly isDetachable: boolean;
  /** The engine's word that it is done ends it: somebody looks later. */
  readonly verify: boolean;
  /** A removal, ours or not, has said that it is over: if it is still there, the next step waits for a pause. */
  readonly isReportedDone: boolean;
  /** Its state when last looked at: `running`, `removing`, `dead`. */
  readonly status?: string | undefined;
}

/** The answer to the state's step; `status` is what a look has seen. */
export interface StepAnswer {
  readonly meaning: Meaning;
  readonly status?: string | undefined;
}

export interface RemovalStart {
  readonly isImmutableId: boolean;
  /** A look has seen it. */
  readonly isKnownToExist: boolean;
  readonly isStopWanted: boolean;
  readonly isDetachable: boolean;
  /** The engine's word is taken for it: somebody looks later. */
  readonly verify?: boolean | undefined;
}

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

/** A stop whose answer is lost is asked for once more; then the removal, which kills, is more use than a third. */
const maxStops = 2;

/** The state after the answer to its step. `finish` and `give-up` are ends. */
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
    // 500 "RWLayer of container … is unexpectedly nil" is no reason not to remove it. @see moby, daemon/inspect.go
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
      // Seen to be gone, not said to be: the next look decides.
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
    // The wait is over, or was cut off, or told of a removal that failed: a look says whether it is gone, or `dead`.
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

/** How a thing that is gone came to be so: nothing is claimed that was not seen. */
export function outcomeOf(state: RemovalState): GoneOutcome {
  if (state.isPossiblyOurs) return 'removed';
  return state.isKnownToExist || state.isRemovedByOthers ? 'removed-elsewhere' : 'already-gone';
}
