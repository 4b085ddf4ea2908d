import { setTimeout as delay } from 'node:timers/promises';
import { formatDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { withTimeout } from '../core/timeout';

export interface EndPatienceOptions {
  /** Resolves to whether the engine answers. It may take its time: the wait for it is limited. */
  readonly ping: (timeoutMs: number) => Promise<boolean>;
  /** What is waited for, in words. Nothing is printed while it is empty. */
  readonly waitingFor: () => readonly string[];
  readonly print: (words: string) => void;
  /** How long to wait before printing what is waited for, and the pause between two pings. Default 1 000. */
  readonly quietMs?: number | undefined;
  /** For how long an engine may give no answer. Default 10 000. */
  readonly silenceMs?: number | undefined;
}

const maxNames = 3;

/**
 * The patience that all waiting at the end of a run, or of a session, shares: it is over when the engine has not answered for 10 s. After 1 s it says
 * what is waited for. An end that is over sooner costs nothing.
 */
export class EndPatience {
  readonly #options: EndPatienceOptions;
  readonly #over = new AbortController();
  readonly #ended = new AbortController();
  #hasBegun = false;

  constructor(options: EndPatienceOptions) {
    this.#options = options;
  }

  /** Aborts when the patience is over, with a CastoffError `ENGINE_UNREACHABLE`. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Idempotent. */
  begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    void this.#watch();
  }

  /** Nothing is waited for any more. */
  end(): void {
    this.#ended.abort();
  }

  async #watch(): Promise<void> {
    const { quietMs = 1_000, silenceMs = 10_000, print, waitingFor } = this.#options;
    const { signal } = this.#ended;
    let answeredAt = performance.now();
    const leftMs = (): number => answeredAt + silenceMs - performance.now();
    let hasSaid = false;
    for (;;) {
      // Rejects for the end alone.
      await Promise.allSettled([delay(Math.min(quietMs, Math.max(0, leftMs())), undefined, { signal })]);
      if (signal.aborted) return;
      const names: readonly string[] = hasSaid ? [] : waitingFor();
      if (names.length > 0) print(`waiting for ${inWords(names)} to be gone`);
      hasSaid ||= names.length > 0;
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
    // Rejects when the time or the run is over: no answer in either case.
    const [answer] = await Promise.allSettled([pinged]);
    return answer.status === 'fulfilled' && answer.value;
  }
}

function inWords(names: readonly string[]): string {
  const more = names.length - maxNames;
  return `${names.slice(0, maxNames).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
