import { withTimeout, type TimeoutOptions } from '../core/timeout';
import { retryWithBackoff, RetryableError } from '../core/retry';
import type { Answer, Engine } from '../engine/engine';
import type { EngineError } from '../engine/engine-error';
import { unclearError } from './cleanup-error';
import { compareIdentities, type Removable, type Inspection } from './kind';
import type { PostMortem } from './post-mortem';
import type { RemovalRules } from './removal-rules';
import {
  advance,
  initialRemovalState,
  outcomeOf,
  type GoneOutcome,
  type RemovalState,
  type StepAnswer,
} from './removal';

export interface RemovalTaskOptions extends RemovalRules {
  /** Grace before the kill, in milliseconds; 0: none. */
  readonly stopTimeoutMs: number;
  readonly stopSignal?: string | undefined;
  readonly removeVolumes: boolean;
  /** How long an unanswered call is waited for before the engine is looked at instead. */
  readonly callTimeoutMs: number;
  /** What a look has told already. */
  readonly inspection?: Inspection | undefined;
  /** Called as soon as nobody may join any more: it has ended, or its last waiter has left. */
  readonly onOver: () => void;
  /** Read before anything is done to it. */
  readonly capture?:
    ((engine: Engine, id: string, signal: AbortSignal) => Promise<PostMortem | undefined>) | undefined;
}

/** How a removal ended: `finish` with its outcome, or `give-up`: the engine refuses. */
export interface RemovalResult {
  readonly outcome: GoneOutcome | undefined;
  readonly postMortem?: PostMortem | undefined;
}

const firstPauseMs = 50;
const maxPauseMs = 1_000;

/** One removal of one thing: does what the state machine in `removal.ts` says, until it is gone or nobody waits any more. */
export class RemovalTask {
  readonly #engine: Engine;
  readonly #removable: Removable;
  #id: string;
  readonly #options: RemovalTaskOptions;
  readonly #noMoreWaiting = new AbortController();
  #waiting = 0;
  #state: RemovalState;
  #inspection: Inspection | undefined;
  #lastError: EngineError | undefined;
  /** Settles when the removal has ended; rejects when nobody waits for it any more. */
  readonly ended: Promise<RemovalResult>;

  constructor(engine: Engine, removable: Removable, id: string, options: RemovalTaskOptions) {
    this.#engine = engine;
    this.#removable = removable;
    this.#id = id;
    this.#options = options;
    this.#inspection = options.inspection;
    this.#state = initialRemovalState({
      isImmutableId: removable.isImmutableId(id),
      isKnownToExist: options.inspection !== undefined,
      verify: options.verify,
      isStopWanted: options.stopTimeoutMs > 0 && removable.stop !== undefined,
      isDetachable: removable.detach !== undefined,
    });
    this.ended = this.#run();
    // Waiters hear of a failure through `waitFor`; when the last has left, nobody is there to hear.
    this.ended.then(options.onOver, options.onOver);
  }

  get state(): RemovalState {
    return this.#state;
  }

  /** What it is called by: the full id as soon as a look has told it. */
  get id(): string {
    return this.#id;
  }

  get name(): string | undefined {
    return this.#inspection?.name;
  }

  get lastError(): EngineError | undefined {
    return this.#lastError;
  }

  /** Waits for the end, within `limits`. The last waiter to leave ends the removal; a call that was sent goes on. */
  async waitFor(limits: TimeoutOptions): Promise<RemovalResult> {
    this.#waiting += 1;
    try {
      return await withTimeout(this.ended, limits);
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0) {
        this.#options.onOver();
        this.#noMoreWaiting.abort();
      }
    }
  }

  async #run(): Promise<RemovalResult> {
    const { signal } = this.#noMoreWaiting;
    const postMortem = await this.#options.capture?.(this.#engine, this.#id, signal);
    await retryWithBackoff(() => this.#untilPause(), {
      firstPauseMs,
      maxPauseMs,
      signal,
    });
    return { outcome: this.#state.step === 'finish' ? outcomeOf(this.#state) : undefined, postMortem };
  }

  async #untilPause(): Promise<void> {
    if (this.#state.step === 'pause') this.#state = advance(this.#state, { meaning: 'done' });
    while (this.#state.step !== 'finish' && this.#state.step !== 'give-up') {
      if (this.#isEnough()) return;
      if (this.#state.step === 'pause') throw new RetryableError();
      this.#noMoreWaiting.signal.throwIfAborted();
      this.#state = advance(this.#state, await this.#take(this.#state.step));
    }
  }

  /** Whether nothing more is to be sent. What was sent is looked at until its end is seen. */
  #isEnough(): boolean {
    const { step, afterPause, removals } = this.#state;
    const { stop, maxRemovals = Number.POSITIVE_INFINITY } = this.#options;
    const next = step === 'pause' ? afterPause : step;
    if (stop?.aborted === true) return next === 'inspect' ? removals === 0 : next !== 'wait-for-removal';
    return next === 'remove' && removals >= maxRemovals;
  }

  async #take(step: 'inspect' | 'stop' | 'remove' | 'wait-for-removal' | 'detach'): Promise<StepAnswer> {
    const { stopTimeoutMs, stopSignal, callTimeoutMs, removeVolumes } = this.#options;
    const { inspect, stop, remove, waitForRemoval, detach } = this.#removable;
    const engine = this.#asking(callTimeoutMs);
    switch (step) {
      case 'inspect':
        return this.#see(engine, await inspect(engine, this.#id));
      case 'stop':
        return this.#note(
          await stop?.(this.#asking(stopTimeoutMs + callTimeoutMs), this.#id, {
            timeoutMs: stopTimeoutMs,
            signal: stopSignal,
          }),
        );
      case 'remove':
        return this.#note(await remove(engine, this.#id, { removeVolumes }));
      case 'wait-for-removal':
        return { meaning: (await waitForRemoval?.(engine, this.#id))?.meaning ?? 'engine-away' };
      case 'detach':
        await detach?.(engine, this.#id);
        return { meaning: 'done' };
    }
  }

  #asking(timeoutMs: number): Engine {
    return this.#engine.within({ timeoutMs, signal: this.#noMoreWaiting.signal });
  }

  async #see(engine: Engine, seen: Answer<Inspection>): Promise<StepAnswer> {
    if (seen.meaning !== 'done') return this.#note(seen);
    const { id, identity, isPartialMatch, labels, status } = seen.value;
    const isAnother = this.#options.matchesTarget?.(labels, seen.value) === false;
    // Another resource has come under the same name: the one that was to go is gone.
    if (isPartialMatch || isAnother) return { meaning: 'gone' };
    const before = this.#inspection?.identity ?? this.#options.identity;
    if (before !== undefined) {
      const compared = { before, now: identity };
      const sameness = await compareIdentities(this.#removable, engine, this.#id, compared);
      if (sameness === 'another') return { meaning: 'gone' };
      if (sameness === 'unclear') throw unclearError(this.#removable.kind, this.#id);
    }
    this.#inspection = seen.value;
    this.#id = id;
    return { meaning: 'done', status };
  }

  #note(answer: Answer<unknown> | undefined): StepAnswer {
    if (answer === undefined) return { meaning: 'done' };
    if (answer.meaning !== 'done' && answer.meaning !== 'gone') this.#lastError = answer.error;
    return { meaning: answer.meaning };
  }
}
