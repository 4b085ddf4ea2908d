import type { CreateOutcome } from '../capture/create-response';
import type { RemovableKind } from '../core/kinds';
import type { Labels } from '../core/labels';
import { callKind, lastsUntilEnd, type CallKind, type EngineAccount } from './engine-time';
import { HeldAnswer } from './held-answer';
import type { RequestHead } from './request-head';

/** What the owner of a relay wants done with a creation. */
export interface CreationPlan {
  /** The labels of the owner, which are added to the request. */
  readonly labels: Labels;
  /**
   * Called once, and awaited before the end of the answer is handed on. `undefined`: the answer was not
   * understood, or never came.
   */
  settle(outcome: CreateOutcome | undefined): Promise<void>;
}

/**
 * Is called once with whether the engine did what a request asks for, before the end of the answer is handed on.
 * Without a whole answer, it did not. Must not throw.
 */
export type ResultListener = (isDone: boolean) => void;

/** A creation that waits for its outcome. */
interface PlannedCreation {
  readonly kind: RemovableKind;
  readonly plan: CreationPlan;
}

interface ExchangeServices {
  readonly account: EngineAccount;
  readonly onError: (error: unknown) => void;
  readonly onResult: ResultListener | undefined;
}

/** A request that was sent to the engine, until its answer has been handed on. */
export class Exchange {
  readonly method: string;
  /** Resolves when the next request may follow, or the connection carries raw bytes. */
  readonly answered: Promise<void>;
  readonly #call: CallKind;
  readonly #account: EngineAccount;
  readonly #creation: PlannedCreation | undefined;
  readonly #onError: (error: unknown) => void;
  readonly #onResult: ResultListener | undefined;
  readonly #resolve: () => void;
  readonly #startedAt = performance.now();
  #isMeasured = false;
  #isReported = false;
  #held: HeldAnswer | undefined;

  constructor(
    { method, path }: RequestHead,
    { account, onError, onResult }: ExchangeServices,
    creation: PlannedCreation | undefined,
  ) {
    this.method = method;
    this.#call = callKind(method, path);
    this.#account = account;
    this.#creation = creation;
    this.#onError = onError;
    this.#onResult = onResult;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.answered = promise;
    this.#resolve = resolve;
  }

  /** Whether its answer has begun, and may be endless, as that of logs and events. */
  get isStreaming(): boolean {
    return this.#isMeasured && !lastsUntilEnd(this.#call);
  }

  /** Takes the status of the answer. Returns where to add its bytes, if they are held back. */
  begin(status: number): HeldAnswer | undefined {
    if (!lastsUntilEnd(this.#call)) this.#measure();
    // Only the end of an image's answer has the result: a pull reports its progress, too.
    const kind = this.#creation?.kind ?? (this.#onResult === undefined ? undefined : 'image');
    this.#held = kind === undefined ? undefined : new HeldAnswer(kind, status);
    return this.#held;
  }

  /**
   * Measures the time until now and reports the outcome of a creation. Resolves when its owner has recorded it.
   * Never rejects.
   *
   * @param isComplete - Whether the whole answer has arrived.
   */
  async settle(isComplete: boolean): Promise<void> {
    this.#measure();
    const outcome = isComplete ? this.#held?.outcome() : undefined;
    await this.#report(outcome, isComplete && outcome?.isCreated !== false);
  }

  /** Reports that the request was not sent. Never rejects. */
  async cancel(): Promise<void> {
    await this.#report({ isCreated: false }, false);
  }

  async #report(outcome: CreateOutcome | undefined, isDone: boolean): Promise<void> {
    if (this.#isReported) return;
    this.#isReported = true;
    this.#onResult?.(isDone);
    try {
      await this.#creation?.plan.settle(outcome);
    } catch (error) {
      this.#onError(error);
    }
  }

  /** Allows the next request, or raw bytes. The answer may still continue. */
  release(): void {
    this.#resolve();
  }

  #measure(): void {
    if (this.#isMeasured) return;
    this.#isMeasured = true;
    this.#account.add(this.#call, performance.now() - this.#startedAt);
  }
}
