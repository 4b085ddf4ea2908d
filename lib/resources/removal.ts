import type { Meaning } from '../engine/answers';

/** How a thing came to be gone, once it is seen to be. */
export type GoneOutcome = 'removed' | 'already-gone' | 'removed-elsewhere';

/** What to do next about one thing that is to be gone. */
export type Step =
  | 'look'
  | 'stop'
  | 'remove'
  /** Wait for the end of somebody else's removal. */
  | 'await-end'
  /** Take off what still hangs on it. */
  | 'detach'
  | 'pause'
  | 'finish'
  | 'give-up';

export interface RemovalState {
  readonly step: Step;
  readonly afterPause: 'look' | 'remove';
  /** Its id names it for ever. A name may come to stand for something else in a pause: look before it is removed. */
  readonly isCertain: boolean;
  /** A graceful stop that is still to be asked for, and how often it was. */
  readonly isStopWanted: boolean;
  readonly stops: number;
  /** Removals sent. */
  readonly removals: number;
  /** The engine has spoken of it as a thing that exists. */
  readonly wasSeen: boolean;
  /** A removal of ours was accepted, or its answer was lost: its end may be our doing. */
  readonly isOursPossible: boolean;
  /** Somebody else's removal was seen under way. */
  readonly isOthersSeen: boolean;
  /** Something may hang on it that can be taken off: networks. */
  readonly isDetachable: boolean;
  /** The engine's word that it is done ends it: somebody looks later. */
  readonly isSeenLater: boolean;
  /** A removal, ours or not, has said that it is over: if it is still there, the next step waits for a pause. */
  readonly isOverSaid: boolean;
  /** Its state when last looked at: `running`, `removing`, `dead`. */
  readonly status?: string | undefined;
}

/** The answer to the state's step; `status` is what a look has seen. */
export interface StepAnswer {
  readonly meaning: Meaning;
  readonly status?: string | undefined;
}

export interface RemovalStart {
  readonly isCertain: boolean;
  /** A look has seen it. */
  readonly wasSeen: boolean;
  readonly isStopWanted: boolean;
  readonly isDetachable: boolean;
  /** The engine's word is taken for it: somebody looks later. */
  readonly isSeenLater?: boolean | undefined;
}

export function beginRemoval(start: RemovalStart): RemovalState {
  return {
    step: !start.isCertain && !start.wasSeen ? 'look' : start.isStopWanted ? 'stop' : 'remove',
    afterPause: 'look',
    isCertain: start.isCertain,
    isStopWanted: start.isStopWanted,
    stops: 0,
    removals: 0,
    wasSeen: start.wasSeen,
    isOursPossible: false,
    isOthersSeen: false,
    isDetachable: start.isDetachable,
    isSeenLater: start.isSeenLater === true,
    isOverSaid: false,
  };
}

/** A stop whose answer is lost is asked for once more; then the removal, which kills, is more use than a third. */
const mostStops = 2;

/** The state after the answer to its step. `finish` and `give-up` are ends. */
export function advance(state: RemovalState, answer: StepAnswer): RemovalState {
  switch (state.step) {
    case 'look':
      return afterLook(state, answer);
    case 'stop':
      return afterStop(state, answer);
    case 'remove':
      return afterRemove({ ...state, removals: state.removals + 1 }, answer);
    case 'await-end':
      return afterAwaitEnd(state, answer);
    case 'detach':
      return pause(state, 'remove');
    case 'pause':
      return { ...state, step: state.afterPause };
    case 'finish':
    case 'give-up':
      return state;
  }
}

function afterLook(state: RemovalState, { meaning, status }: StepAnswer): RemovalState {
  switch (meaning) {
    case 'gone':
      return { ...state, step: 'finish' };
    case 'done':
      return presentAs({ ...state, wasSeen: true, status });
    // 500 "RWLayer of container … is unexpectedly nil" is no reason not to remove it. @see moby, daemon/inspect.go
    case 'failed':
      return pause(state, 'remove');
    case 'being-removed':
    case 'busy':
    case 'engine-away':
      return pause(state, 'look');
    case 'refused':
      return { ...state, step: 'give-up' };
  }
}

function presentAs(state: RemovalState): RemovalState {
  if (state.isOverSaid) {
    return pause({ ...state, isOverSaid: false }, state.status === 'removing' ? 'look' : 'remove');
  }
  if (state.status === 'removing')
    return { ...state, isOthersSeen: !state.isOursPossible, step: 'await-end' };
  if (state.isStopWanted && state.status === 'running') return { ...state, step: 'stop' };
  return { ...state, step: 'remove' };
}

function afterStop(state: RemovalState, { meaning }: StepAnswer): RemovalState {
  const stops = state.stops + 1;
  const asked = { ...state, stops, isStopWanted: meaning === 'engine-away' && stops < mostStops };
  switch (meaning) {
    case 'done':
      return { ...asked, wasSeen: true, step: 'remove' };
    case 'gone':
      return { ...asked, step: 'finish' };
    case 'being-removed':
    case 'busy':
    case 'failed':
    case 'refused':
      return { ...asked, step: 'remove' };
    case 'engine-away':
      return pause(asked, 'look');
  }
}

function afterRemove(state: RemovalState, { meaning }: StepAnswer): RemovalState {
  switch (meaning) {
    case 'done':
      // Seen to be gone, not said to be: the next look decides.
      return {
        ...state,
        wasSeen: true,
        isOursPossible: true,
        isOverSaid: true,
        step: state.isSeenLater ? 'finish' : 'look',
      };
    case 'gone':
      return { ...state, step: 'finish' };
    case 'being-removed':
      return { ...state, wasSeen: true, isOthersSeen: true, step: 'await-end' };
    case 'busy':
      return state.isDetachable
        ? { ...state, wasSeen: true, step: 'detach' }
        : pause({ ...state, wasSeen: true }, 'remove');
    case 'failed':
      return pause({ ...state, wasSeen: true, isOursPossible: true }, 'look');
    case 'engine-away':
      return pause({ ...state, isOursPossible: true }, 'look');
    case 'refused':
      return { ...state, step: 'give-up' };
  }
}

function afterAwaitEnd(state: RemovalState, { meaning }: StepAnswer): RemovalState {
  switch (meaning) {
    case 'gone':
      return { ...state, step: 'finish' };
    // The wait is over, or was cut off, or told of a removal that failed: a look says whether it is gone, or `dead`.
    case 'done':
      return { ...state, isOverSaid: true, step: 'look' };
    case 'being-removed':
    case 'busy':
    case 'failed':
    case 'engine-away':
    case 'refused':
      return pause(state, 'look');
  }
}

function pause(state: RemovalState, afterPause: 'look' | 'remove'): RemovalState {
  return { ...state, step: 'pause', afterPause: state.isCertain ? afterPause : 'look' };
}

/** How a thing that is gone came to be so: nothing is claimed that was not seen. */
export function outcomeOf(state: RemovalState): GoneOutcome {
  if (state.isOursPossible) return 'removed';
  return state.wasSeen || state.isOthersSeen ? 'removed-elsewhere' : 'already-gone';
}
