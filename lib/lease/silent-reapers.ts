import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BoundedLabels } from '../core/bounds';
import type { RequestConnection } from '../wire/request-connection';

/** When a reaper counts as silent. */
export interface AnswerLimits {
  /** The pause between two pings, in milliseconds. Default 10 000. */
  readonly pingEveryMs?: number | undefined;
  /** How long an answer may take, in milliseconds. Default 10 000. */
  readonly maxSilenceMs?: number | undefined;
}

/**
 * The connections to reapers that stopped answering and were replaced. They stay open: a reaper that
 * continues later would treat a closed connection as the death of this process, and remove resources that are
 * still in use.
 */
export class SilentReapers {
  readonly #pingEveryMs: number;
  readonly #maxSilenceMs: number;
  readonly #connections = new Set<RequestConnection>();
  #stopWatching: () => void = () => undefined;

  constructor({ pingEveryMs = 10_000, maxSilenceMs = 10_000 }: AnswerLimits = {}) {
    this.#pingEveryMs = pingEveryMs;
    this.#maxSilenceMs = maxSilenceMs;
  }

  /**
   * Pings the reaper at `requests`, instead of the one that was watched before. When it stops answering, adds
   * the connection to the set and calls `onSilence`, once. The timers are unreferenced.
   */
  watch(requests: RequestConnection, onSilence: () => void): void {
    let timer: NodeJS.Timeout | undefined;
    let isStopped = false;
    const schedule = (run: () => Promise<void>, afterMs: number): void => {
      if (isStopped) return;
      timer = setTimeout(() => void run(), afterMs);
      timer.unref();
    };
    const ping = async (): Promise<void> => {
      let hasAnswered = false;
      const expire = async (): Promise<void> => {
        // After code that blocked the event loop, timers run before pending answers are read.
        await nextTurn();
        await nextTurn();
        if (hasAnswered || isStopped) return;
        this.#connections.add(requests);
        onSilence();
      };
      schedule(expire, this.#maxSilenceMs);
      // Rejects when the connection ends, which stops the pings.
      await Promise.allSettled([requests.request({ type: 'ping' })]);
      clearTimeout(timer);
      hasAnswered = true;
      schedule(ping, this.#pingEveryMs);
    };
    this.stopWatching();
    this.#stopWatching = () => {
      isStopped = true;
      clearTimeout(timer);
    };
    schedule(ping, this.#pingEveryMs);
  }

  stopWatching(): void {
    this.#stopWatching();
  }

  delete(requests: RequestConnection): void {
    this.#connections.delete(requests);
  }

  release({ labels, bounds }: BoundedLabels): void {
    // Rejects when the connection ends, as it may never be answered.
    for (const requests of this.#connections)
      void Promise.allSettled([requests.request({ type: 'release', labels, bounds })]);
  }

  /**
   * Releases `claims` at each of these reapers and closes its connection, so that none removes resources of
   * another reaper's claims.
   */
  end(claims: readonly BoundedLabels[]): void {
    this.stopWatching();
    for (const claim of claims) this.release(claim);
    for (const requests of this.#connections) requests.end();
    this.#connections.clear();
  }
}
