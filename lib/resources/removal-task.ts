import { withTimeout, type TimeoutOptions } from '../core/timeout';
import { retryWithBackoff, RetryableError } from '../core/retry';
import type { Answer, Engine } from '../engine/engine';
import type { EngineError } from '../engine/engine-error';
import { isSameResource, type Removable, type Inspection } from './kind';
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

interface RemovalTaskOptions extends RemovalRules {
  /** Grace before SIGKILL, in milliseconds; 0: kill at once. */
  readonly stopTimeoutMs: number;
  readonly stopSignal?: string | undefined;
  readonly removeVolumes: boolean;
  /** Timeout of one engine call, in milliseconds; then the resource is inspected instead. */
  readonly callTimeoutMs: number;
  /** The result of an earlier inspection. */
  readonly inspection?: Inspection | undefined;
  /** Called when no more callers may join: the removal has finished, or its last waiter has left. */
  readonly onClosed: () => void;
  /** Reads a post-mortem before the removal starts. */
  readonly capture?:
    ((engine: Engine, id: string, signal: AbortSignal) => Promise<PostMortem | undefined>) | undefined;
}

/** Outcome of a removal; `outcome` is `undefined` when the engine refuses. */
interface RemovalResult {
  readonly outcome: GoneOutcome | undefined;
  readonly postMortem?: PostMortem | undefined;
}

const firstPauseMs = 50;
const maxPauseMs = 1_000;

/**
 * One removal of one resource: performs the steps of the state machine in `removal.ts` until the resource is
 * gone or the last waiter has left.
 */
export class RemovalTask {
  readonly #engine: Engine;
  readonly #removable: Removable;
  #id: string;
  readonly #options: RemovalTaskOptions;
  readonly #abandoned = new AbortController();
  #waiters = 0;
  #state: RemovalState;
  #inspection: Inspection | undefined;
  #lastError: EngineError | undefined;
  /** Resolves when the removal has finished; rejects when its last waiter has left. */
  readonly finished: Promise<RemovalResult>;

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
    this.finished = this.#run();
    // Waiters get a failure from `waitFor`; without waiters, no caller needs it.
    this.finished.then(options.onClosed, options.onClosed);
  }

  get state(): RemovalState {
    return this.#state;
  }

  /** Its full id once an inspection has reported it; before that, the reference. */
  get id(): string {
    return this.#id;
  }

  get name(): string | undefined {
    return this.#inspection?.name;
  }

  /** Of a container that was running at its last inspection. */
  get pid(): number | undefined {
    return this.#inspection?.pid;
  }

  get lastError(): EngineError | undefined {
    return this.#lastError;
  }

  /**
   * Waits for the result, within `limits`. When the last waiter leaves, the removal stops; a request already
   * sent continues on the engine.
   */
  async waitFor(limits: TimeoutOptions): Promise<RemovalResult> {
    this.#waiters += 1;
    try {
      return await withTimeout(this.finished, limits);
    } finally {
      this.#waiters -= 1;
      if (this.#waiters === 0) {
        this.#options.onClosed();
        this.#abandoned.abort();
      }
    }
  }

  async #run(): Promise<RemovalResult> {
    const { signal } = this.#abandoned;
    const postMortem = await this.#options.capture?.(this.#engine, this.#id, signal);
    await retryWithBackoff(() => this.#runUntilPause(), { firstPauseMs, maxPauseMs, signal });
    return { outcome: this.#state.step === 'finish' ? outcomeOf(this.#state) : undefined, postMortem };
  }

  async #runUntilPause(): Promise<void> {
    if (this.#state.step === 'pause') this.#state = advance(this.#state, { meaning: 'done' });
    while (this.#state.step !== 'finish' && this.#state.step !== 'give-up') {
      if (this.#isStopped()) return;
      if (this.#state.step === 'pause') throw new RetryableError();
      this.#abandoned.signal.throwIfAborted();
      this.#state = advance(this.#state, await this.#perform(this.#state.step));
    }
  }

  /** Whether no new request may be sent. Requests already sent are followed to completion. */
  #isStopped(): boolean {
    const { step, afterPause, removals } = this.#state;
    const { stop, maxRemovals = Number.POSITIVE_INFINITY } = this.#options;
    const next = step === 'pause' ? afterPause : step;
    if (stop?.aborted === true) return next === 'inspect' ? removals === 0 : next !== 'wait-for-removal';
    return next === 'remove' && removals >= maxRemovals;
  }

  async #perform(step: 'inspect' | 'stop' | 'remove' | 'wait-for-removal' | 'detach'): Promise<StepAnswer> {
    const { stopTimeoutMs, stopSignal, callTimeoutMs, removeVolumes } = this.#options;
    const { inspect, stop, remove, waitForRemoval, detach } = this.#removable;
    const engine = this.#engineWithin(callTimeoutMs);
    switch (step) {
      case 'inspect':
        return this.#handleInspection(engine, await inspect(engine, this.#id));
      case 'stop':
        return this.#handleAnswer(
          await stop?.(this.#engineWithin(stopTimeoutMs + callTimeoutMs), this.#id, {
            timeoutMs: stopTimeoutMs,
            signal: stopSignal,
          }),
        );
      case 'remove':
        return this.#handleAnswer(await remove(engine, this.#id, { removeVolumes }));
      case 'wait-for-removal':
        return { meaning: (await waitForRemoval?.(engine, this.#id))?.meaning ?? 'engine-away' };
      case 'detach':
        await detach?.(engine, this.#id);
        return { meaning: 'done' };
    }
  }

  #engineWithin(timeoutMs: number): Engine {
    return this.#engine.within({ timeoutMs, signal: this.#abandoned.signal });
  }

  async #handleInspection(engine: Engine, answer: Answer<Inspection>): Promise<StepAnswer> {
    if (answer.meaning !== 'done') return this.#handleAnswer(answer);
    const { id, identity, isPartialMatch, labels, status } = answer.value;
    const isAnother = this.#options.matchesTarget?.(labels, answer.value) === false;
    // Another resource uses the name now: the intended one is gone.
    if (isPartialMatch || isAnother) return { meaning: 'gone' };
    const before = this.#inspection?.identity ?? this.#options.identity;
    const compared = { before: before ?? identity, now: identity };
    if (!(await isSameResource(this.#removable, engine, this.#id, compared))) return { meaning: 'gone' };
    this.#inspection = answer.value;
    this.#id = id;
    return { meaning: 'done', status };
  }

  #handleAnswer(answer: Answer<unknown> | undefined): StepAnswer {
    if (answer === undefined) return { meaning: 'done' };
    if (answer.meaning !== 'done' && answer.meaning !== 'gone') this.#lastError = answer.error;
    return { meaning: answer.meaning };
  }
}
