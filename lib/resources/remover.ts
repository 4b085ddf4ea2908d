import { waitAtMost, type PatienceOptions } from '../core/patience';
import { retryWithBackoff, TryAgain } from '../core/retry';
import { isCastoffError } from '../core/errors';
import type { Answer, Engine } from '../engine/engine';
import type { EngineError } from '../engine/engine-error';
import type { Removable, Sight } from './kind';
import type { PostMortem } from './post-mortem';
import {
  advance,
  beginRemoval,
  outcomeOf,
  type GoneOutcome,
  type RemovalState,
  type StepAnswer,
} from './removal';

export interface RemoverOptions {
  /** Grace before the kill, in milliseconds; 0: none. */
  readonly stopTimeoutMs: number;
  readonly removeVolumes: boolean;
  /** How long an unanswered call is waited for before the engine is looked at instead. */
  readonly patienceMs: number;
  /** What a look has told already. */
  readonly sight?: Sight | undefined;
  /** Called as soon as nobody may join any more: it has ended, or its last waiter has left. */
  readonly onOver: () => void;
  /** Read before anything is done to it. */
  readonly capture?: ((engine: Engine, id: string) => Promise<PostMortem | undefined>) | undefined;
}

/** How a removal ended: `finish` with its outcome, or `give-up`: the engine refuses. */
export interface RemovalEnd {
  readonly outcome: GoneOutcome | undefined;
  readonly postMortem?: PostMortem | undefined;
}

const firstPauseMs = 50;
const longestPauseMs = 1_000;

/** One removal of one thing: does what the state machine in `removal.ts` says, until it is gone or nobody waits any more. */
export class Remover {
  readonly #engine: Engine;
  readonly #removable: Removable;
  readonly #id: string;
  readonly #options: RemoverOptions;
  readonly #noMoreWaiting = new AbortController();
  #waiting = 0;
  #state: RemovalState;
  #sight: Sight | undefined;
  #lastError: EngineError | undefined;
  /** Settles when the removal has ended; rejects when nobody waits for it any more. */
  readonly ended: Promise<RemovalEnd>;

  constructor(engine: Engine, removable: Removable, id: string, options: RemoverOptions) {
    this.#engine = engine;
    this.#removable = removable;
    this.#id = id;
    this.#options = options;
    this.#sight = options.sight;
    this.#state = beginRemoval({
      sight: removable.isCertain(id) ? 'not-needed' : options.sight === undefined ? 'needed' : 'had',
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

  get name(): string | undefined {
    return this.#sight?.name;
  }

  get lastError(): EngineError | undefined {
    return this.#lastError;
  }

  /** Waits for the end, within `limits`. The last waiter to leave ends the removal; a call that was sent goes on. */
  async waitFor(limits: PatienceOptions): Promise<RemovalEnd> {
    this.#waiting += 1;
    try {
      return await waitAtMost(this.ended, limits);
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0) {
        this.#options.onOver();
        this.#noMoreWaiting.abort();
      }
    }
  }

  async #run(): Promise<RemovalEnd> {
    const postMortem = await this.#options.capture?.(this.#engine, this.#id);
    await retryWithBackoff(() => this.#untilPause(), {
      firstPauseMs,
      longestPauseMs,
      signal: this.#noMoreWaiting.signal,
    });
    return { outcome: this.#state.step === 'finish' ? outcomeOf(this.#state) : undefined, postMortem };
  }

  async #untilPause(): Promise<void> {
    if (this.#state.step === 'pause') this.#state = advance(this.#state, { meaning: 'done' });
    while (this.#state.step !== 'finish' && this.#state.step !== 'give-up') {
      if (this.#state.step === 'pause') throw new TryAgain();
      this.#noMoreWaiting.signal.throwIfAborted();
      this.#state = advance(this.#state, await this.#take(this.#state.step));
    }
  }

  async #take(step: 'look' | 'stop' | 'remove' | 'await-end' | 'detach'): Promise<StepAnswer> {
    const { stopTimeoutMs, patienceMs, removeVolumes } = this.#options;
    const removable = this.#removable;
    switch (step) {
      case 'look':
        return this.#look();
      case 'stop':
        return this.#answer(
          (engine, id) => removable.stop?.(engine, id, stopTimeoutMs),
          stopTimeoutMs + patienceMs,
        );
      case 'remove':
        return this.#answer((engine, id) => removable.remove(engine, id, { removeVolumes }), patienceMs);
      case 'await-end':
        return this.#awaitEnd();
      case 'detach':
        await this.#answer(async (engine, id) => {
          await removable.detach?.(engine, id);
          return { meaning: 'done', value: undefined };
        }, patienceMs);
        return { meaning: 'done' };
    }
  }

  async #look(): Promise<StepAnswer> {
    let sight: Sight | undefined;
    const answer = await this.#answer(async (engine, id) => {
      const seen = await this.#removable.look(engine, id);
      if (seen.meaning === 'done') sight = seen.value;
      return seen;
    }, this.#options.patienceMs);
    if (sight === undefined || answer.meaning !== 'done') return answer;
    // Another thing has come under the same name: the one that was to go is gone.
    if (this.#sight !== undefined && this.#sight.identity !== sight.identity) return { meaning: 'gone' };
    this.#sight = sight;
    return { meaning: 'done', status: sight.status };
  }

  // A wait that says nothing is no failure: after a while a look tells more.
  async #awaitEnd(): Promise<StepAnswer> {
    const { awaitEnd } = this.#removable;
    if (awaitEnd === undefined) return { meaning: 'engine-away' };
    const leaving = new AbortController();
    try {
      const answer = awaitEnd(this.#engine, this.#id, leaving.signal);
      const end = await waitAtMost(answer, this.#waitOptions('await the removal', this.#options.patienceMs));
      if (end.meaning !== 'done') this.#lastError = end.error;
      return { meaning: end.meaning };
    } catch (error) {
      if (isCastoffError(error, 'DEADLINE_EXCEEDED')) return { meaning: 'done' };
      throw error;
    } finally {
      leaving.abort();
    }
  }

  async #answer(
    call: (engine: Engine, id: string) => Promise<Answer<unknown>> | undefined,
    patienceMs: number,
  ): Promise<StepAnswer> {
    const asked =
      call(this.#engine, this.#id) ?? Promise.resolve({ meaning: 'done' as const, value: undefined });
    try {
      const answer = await waitAtMost(
        asked,
        this.#waitOptions(`hear from ${this.#engine.address}`, patienceMs),
      );
      if (answer.meaning !== 'done' && answer.meaning !== 'gone') this.#lastError = answer.error;
      return { meaning: answer.meaning };
    } catch (error) {
      if (isCastoffError(error, 'DEADLINE_EXCEEDED')) return { meaning: 'engine-away' };
      throw error;
    }
  }

  #waitOptions(what: string, timeoutMs: number): PatienceOptions {
    return { what, timeoutMs, signal: this.#noMoreWaiting.signal };
  }
}
