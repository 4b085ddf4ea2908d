import type { BoundedLabels } from '../core/bounds';
import type { RequestStream } from './request-stream';
import { watchAnswers, type AnswerLimits } from './watch-answers';

/**
 * The connections to reapers that stopped answering, after their lease was taken to another reaper. They stay open: a reaper that
 * continues later would take the end of one for the death of this process, and remove what it still uses.
 */
export class SilentReapers {
  readonly #limits: AnswerLimits | undefined;
  readonly #streams = new Set<RequestStream>();
  #stopWatching: (() => void) | undefined;

  constructor(limits?: AnswerLimits) {
    this.#limits = limits;
  }

  /** Watches the reaper at `stream`, in the place of the one before; `onSilence` is called once, when it is one of the silent ones. */
  watch(stream: RequestStream | undefined, ping: () => Promise<unknown>, onSilence: () => void): void {
    if (stream === undefined) return;
    const addSilent = (): void => {
      this.#streams.add(stream);
      onSilence();
    };
    this.#stopWatching = watchAnswers(ping, addSilent, this.#limits);
  }

  stopWatching(): void {
    this.#stopWatching?.();
  }

  /** Forgets one that has ended by itself. */
  delete(stream: RequestStream): void {
    this.#streams.delete(stream);
  }

  release({ labels, bounds }: BoundedLabels): void {
    // Their answers are not read, so the requests need no ids of their own.
    for (const stream of this.#streams) stream.send({ id: 1, type: 'release', labels, bounds });
  }

  /** Gives up `claims` at each of them before its connection ends, so that none removes what another reaper looks after. */
  end(claims: readonly BoundedLabels[]): void {
    this.stopWatching();
    for (const claim of claims) this.release(claim);
    for (const stream of this.#streams) stream.end();
    this.#streams.clear();
  }
}
