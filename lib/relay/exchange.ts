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

/** A creation that waits for its outcome. */
interface PlannedCreation {
  readonly kind: RemovableKind;
  readonly plan: CreationPlan;
}

interface ExchangeServices {
  readonly account: EngineAccount;
  readonly onError: (error: unknown) => void;
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
  readonly #resolve: () => void;
  readonly #startedAt = performance.now();
  #isMeasured = false;
  #isReported = false;
  #held: HeldAnswer | undefined;

  constructor(
    { method, path }: RequestHead,
    { account, onError }: ExchangeServices,
    creation: PlannedCreation | undefined,
  ) {
    this.method = method;
    this.#call = callKind(method, path);
    this.#account = account;
    this.#creation = creation;
    this.#onError = onError;
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
    const creation = this.#creation;
    this.#held = creation === undefined ? undefined : new HeldAnswer(creation.kind, status);
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
    await this.#report(isComplete ? this.#held?.outcome() : undefined);
  }

  /** Reports that a creation was not sent. Never rejects. */
  async cancel(): Promise<void> {
    await this.#report({ isCreated: false });
  }

  async #report(outcome: CreateOutcome | undefined): Promise<void> {
    if (this.#isReported) return;
    this.#isReported = true;
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
