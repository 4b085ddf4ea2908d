import type { BoundedLabels } from '../core/bounds';
import type { RequestStream } from './request-stream';
import { watchAnswers, type AnswerLimits } from './watch-answers';

/**
 * The connections to reapers that stopped answering and were replaced. They stay open: a reaper that
 * continues later would treat a closed connection as the death of this process, and remove resources that are
 * still in use.
 */
export class SilentReapers {
  readonly #limits: AnswerLimits | undefined;
  readonly #streams = new Set<RequestStream>();
  #stopWatching: (() => void) | undefined;

  constructor(limits?: AnswerLimits) {
    this.#limits = limits;
  }

  /**
   * Pings the reaper at `stream`. When it stops answering, adds the stream to the set and calls `onSilence`,
   * once.
   */
  watch(stream: RequestStream | undefined, ping: () => Promise<unknown>, onSilence: () => void): void {
    if (stream === undefined) return;
    const addSilent = (): void => {
      this.#streams.add(stream);
      onSilence();
    };
    this.#stopWatching = watchAnswers(ping, addSilent, this.#limits);
  }

  /** Stops pinging. */
  stopWatching(): void {
    this.#stopWatching?.();
  }

  /** Removes a connection that has closed. */
  delete(stream: RequestStream): void {
    this.#streams.delete(stream);
  }

  /** Releases a claim at each of these reapers. */
  release({ labels, bounds }: BoundedLabels): void {
    // Replies are ignored, so the requests need no unique ids.
    for (const stream of this.#streams) stream.send({ id: 1, type: 'release', labels, bounds });
  }

  /**
   * Releases `claims` at each of these reapers and closes its connection, so that none removes resources of
   * another reaper's claims.
   */
  end(claims: readonly BoundedLabels[]): void {
    this.stopWatching();
    for (const claim of claims) this.release(claim);
    for (const stream of this.#streams) stream.end();
    this.#streams.clear();
  }
}
