import type { ChildProcess } from 'node:child_process';
import { startLimit, type DeadlineError } from '../core/deadline';
import { retryWithBackoff, RetryableError } from '../core/retry';
import { timeouts } from '../core/timeouts';
import { OutputSearch } from './output-search';
import { acceptsConnections, responds } from './probe-address';
import { describeUnmet, readReadyOption, type ReadyCondition, type ReadyOption } from './ready-condition';

/** The options of a command that concern when it is ready. */
export interface ReadyOptions {
  /**
   * When the command is ready, for its promise `ready`: its output matches the expression, in at most 8 Ki
   * characters; the port of this machine accepts connections; or the loopback URL responds with a status below
   * 400. Default: once it has started.
   */
  readonly ready?: ReadyOption | undefined;
  /**
   * Time limit for becoming ready, in milliseconds; the command is then stopped and fails. Default 30 000.
   */
  readonly readyTimeoutMs?: number | undefined;
}

/** The output streams of a command. */
type Streams = Pick<ChildProcess, 'stdout' | 'stderr'>;

/** Whether a command has become ready, and whether its user has received the failure if it has not. */
export class Readiness {
  readonly #condition: ReadyCondition | undefined;
  readonly #timeoutMs: number;
  readonly #result = Promise.withResolvers<void>();
  #state: 'pending' | 'ready' | 'failed' = 'pending';
  #isAwaited = false;

  /** @throws CastoffError `CONFIG_INVALID` */
  constructor({ ready, readyTimeoutMs = timeouts.readyMs }: ReadyOptions) {
    this.#condition = ready === undefined ? undefined : readReadyOption(ready);
    this.#timeoutMs = readyTimeoutMs;
    // If it is never awaited, the command reports its failure.
    this.#result.promise.catch(() => undefined);
  }

  /** Resolves when the command is ready; rejects with the error of {@link fail}. */
  get promise(): Promise<void> {
    this.#isAwaited = true;
    return this.#result.promise;
  }

  /** Whether the caller that waits for it has received the failure. */
  get isFailureReported(): boolean {
    return this.#isAwaited && this.#state === 'failed';
  }

  /** What is missing, for the error; `undefined` when it is ready, or need not become so. */
  get unmet(): string | undefined {
    return this.#condition !== undefined && this.#state === 'pending'
      ? describeUnmet(this.#condition)
      : undefined;
  }

  /**
   * Starts to watch a new child process, until `finished` aborts.
   *
   * @param onTimeout - Called when it is not ready in time.
   */
  watch(child: Streams, finished: AbortSignal, onTimeout: (error: DeadlineError) => void): void {
    if (this.#condition === undefined) return this.#reach();
    const over = new AbortController();
    const stop = startLimit({ what: 'wait until it is ready', timeoutMs: this.#timeoutMs }, onTimeout);
    over.signal.addEventListener('abort', stop, { once: true });
    finished.addEventListener('abort', () => over.abort(), { once: true, signal: over.signal });
    const reach = (): void => {
      over.abort();
      this.#reach();
    };
    if (this.#condition.type === 'output') searchOutput(child, this.#condition.pattern, over.signal, reach);
    else void pollUntilReady(this.#condition, over.signal, reach);
  }

  /** The command failed before it was ready, or ended. */
  fail(error: unknown): void {
    if (this.#state !== 'pending') return;
    this.#state = 'failed';
    this.#result.reject(error);
  }

  #reach(): void {
    if (this.#state !== 'pending') return;
    this.#state = 'ready';
    this.#result.resolve();
  }
}

function searchOutput(child: Streams, pattern: RegExp, over: AbortSignal, onFound: () => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    const search = new OutputSearch(pattern);
    const onData = (chunk: string): void => {
      if (search.add(chunk)) onFound();
    };
    stream?.on('data', onData);
    over.addEventListener('abort', () => stream?.off('data', onData), { once: true });
  }
}

async function pollUntilReady(
  condition: Exclude<ReadyCondition, { type: 'output' }>,
  over: AbortSignal,
  onReady: () => void,
): Promise<void> {
  const probe = async (): Promise<void> => {
    const isReady =
      condition.type === 'port'
        ? await acceptsConnections(condition.port, over)
        : await responds(condition.url, over);
    if (!isReady) throw new RetryableError();
  };
  const polling = retryWithBackoff(probe, { firstPauseMs: 10, maxPauseMs: 200, signal: over });
  // Rejects when the wait is over.
  const [polled] = await Promise.allSettled([polling]);
  if (polled.status === 'fulfilled' && !over.aborted) onReady();
}
