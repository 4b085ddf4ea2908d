import { setTimeout as delay } from 'node:timers/promises';
import { formatDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { withTimeout } from '../core/timeout';

/** The options of an {@link EndPatience}. */
export interface EndPatienceOptions {
  /** Resolves to whether the engine answers. It need not observe the timeout. */
  readonly ping: (timeoutMs: number) => Promise<boolean>;
  /** The names of pending resources. Nothing is printed while there are none. */
  readonly waitingFor: () => readonly string[];
  readonly print: (message: string) => void;
  /**
   * The time before the pending resources are printed, and between two pings, in milliseconds. Default 1 000.
   */
  readonly quietMs?: number | undefined;
  /** How long the engine may leave pings unanswered, in milliseconds. Default 10 000. */
  readonly silenceMs?: number | undefined;
}

const maxNames = 3;

/**
 * The time limit that all cleanup at the end of a run or session shares: it expires when the engine has not
 * answered for 10 s. Prints the pending resources after 1 s. Sends nothing if the cleanup finishes sooner.
 */
export class EndPatience {
  readonly #options: EndPatienceOptions;
  readonly #over = new AbortController();
  readonly #ended = new AbortController();
  #hasStarted = false;

  constructor(options: EndPatienceOptions) {
    this.#options = options;
  }

  /** Aborts with a CastoffError `ENGINE_UNREACHABLE` when the limit expires. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  start(): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    void this.#watch();
  }

  /** Stops the limit: the cleanup has finished. */
  end(): void {
    this.#ended.abort();
  }

  async #watch(): Promise<void> {
    const { quietMs = 1_000, silenceMs = 10_000, print, waitingFor } = this.#options;
    const { signal } = this.#ended;
    let answeredAt = performance.now();
    const leftMs = (): number => answeredAt + silenceMs - performance.now();
    let hasPrinted = false;
    for (;;) {
      // Rejects only when the cleanup has finished.
      await Promise.allSettled([delay(Math.min(quietMs, Math.max(0, leftMs())), undefined, { signal })]);
      if (signal.aborted) return;
      const names: readonly string[] = hasPrinted ? [] : waitingFor();
      if (names.length > 0) print(`waiting for the removal of ${listNames(names)}`);
      hasPrinted ||= names.length > 0;
      if (await this.#hasAnswer(Math.max(0, leftMs()))) answeredAt = performance.now();
      if (leftMs() > 0) continue;
      const silence = formatDuration(silenceMs);
      this.#over.abort(new CastoffError('ENGINE_UNREACHABLE', `the engine has not answered for ${silence}`));
      return;
    }
  }

  async #hasAnswer(timeoutMs: number): Promise<boolean> {
    const { signal } = this.#ended;
    const pinged = withTimeout(this.#options.ping(timeoutMs), { what: 'ping the engine', timeoutMs, signal });
    // Rejects when the limit expires or the cleanup finishes: there is no answer in either case.
    const [answer] = await Promise.allSettled([pinged]);
    return answer.status === 'fulfilled' && answer.value;
  }
}

function listNames(names: readonly string[]): string {
  const more = names.length - maxNames;
  return `${names.slice(0, maxNames).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
