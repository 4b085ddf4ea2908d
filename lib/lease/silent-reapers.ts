import type { BoundedLabels } from '../core/bounds';
import type { RequestConnection } from '../wire/request-connection';
import { watchAnswers, type AnswerLimits } from './watch-answers';

/**
 * The connections to reapers that stopped answering and were replaced. They stay open: a reaper that
 * continues later would treat a closed connection as the death of this process, and remove resources that are
 * still in use.
 */
export class SilentReapers {
  readonly #limits: AnswerLimits | undefined;
  readonly #connections = new Set<RequestConnection>();
  #stopWatching: (() => void) | undefined;

  constructor(limits?: AnswerLimits) {
    this.#limits = limits;
  }

  /**
   * Pings the reaper at `requests`. When it stops answering, adds the connection to the set and calls
   * `onSilence`, once.
   */
  watch(requests: RequestConnection, onSilence: () => void): void {
    const ping = (): Promise<unknown> => requests.request({ type: 'ping' });
    const addSilent = (): void => {
      this.#connections.add(requests);
      onSilence();
    };
    this.#stopWatching = watchAnswers(ping, addSilent, this.#limits);
  }

  /** Stops pinging. */
  stopWatching(): void {
    this.#stopWatching?.();
  }

  /** Removes a connection that has closed. */
  delete(requests: RequestConnection): void {
    this.#connections.delete(requests);
  }

  /** Releases a claim at each of these reapers. */
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
