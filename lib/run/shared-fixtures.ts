import { CastoffError } from '../core/errors';
import { DeadlineError } from '../core/deadline';
import { deserializeError } from '../wire/serialize-error';
import type { SharedTurn } from '../session/run-client';
import type { SharedMade } from './run-message';
import {
  advanceShared,
  nothingShared,
  type SharedAction,
  type SharedEvent,
  type SharedRefusal,
} from './shared-state';
import { sharedScope } from '../registry/scope-names';

export interface SharedAsk {
  readonly name: string;
  readonly worker: string;
  readonly within?: string | undefined;
  readonly timeoutMs: number;
}

interface Waiting extends PromiseWithResolvers<SharedTurn> {
  readonly timer: NodeJS.Timeout;
  readonly timeoutMs: number;
}

/** Says whose turn it is with each shared thing of a run: acts on what `shared-state` decides. */
export class SharedFixtures {
  readonly #clear: (name: string) => Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  /** Also of those that came to nothing. */
  readonly #scopes = new Set<string>();
  readonly #clearings = new Set<Promise<void>>();
  #state = nothingShared;
  #nextTicket = 1;

  /** @param clear - Removes what is half made of the shared thing of that name; never rejects. */
  constructor(clear: (name: string) => Promise<void>) {
    this.#clear = clear;
  }

  /** Whether a scope of that name is, or was, a shared thing's: it does not belong to the worker that makes it. */
  isShared(scope: string): boolean {
    return this.#scopes.has(scope);
  }

  awaitTurn({ name, worker, within, timeoutMs }: SharedAsk): Promise<SharedTurn> {
    const ticket = this.#nextTicket;
    this.#nextTicket += 1;
    this.#scopes.add(sharedScope(name));
    const timer = setTimeout(() => {
      this.#advance({ type: 'time-ran-out', ticket });
      // Of a worker that is gone nobody knows any more.
      this.#take(ticket);
    }, timeoutMs);
    timer.unref();
    const waiting: Waiting = { ...Promise.withResolvers<SharedTurn>(), timer, timeoutMs };
    this.#waiting.set(ticket, waiting);
    this.#advance({ type: 'asked', name, asker: { ticket, worker, within } });
    return waiting.promise;
  }

  settle(name: string, worker: string, made: SharedMade): void {
    this.#advance({ type: 'settled', name, worker, made });
  }

  forgetWorker(worker: string): void {
    this.#advance({ type: 'worker-gone', worker });
  }

  /** Refuses whoever comes from now on; resolves, when no clearing goes on, to what there is to close: the last made first. */
  async end(): Promise<readonly string[]> {
    this.#advance({ type: 'ending' });
    while (this.#clearings.size > 0) await Promise.allSettled(this.#clearings);
    const { things, made } = this.#state;
    const unmade = [...things].filter(([, { phase }]) => phase === 'making').map(([name]) => name);
    return [...unmade, ...made.toReversed()];
  }

  #advance(event: SharedEvent): void {
    const { state, actions } = advanceShared(this.#state, event);
    this.#state = state;
    for (const action of actions) this.#perform(action);
  }

  #perform(action: SharedAction): void {
    switch (action.type) {
      case 'answer':
        this.#take(action.ticket)?.resolve(action.turn);
        break;
      case 'refuse': {
        const waiting = this.#take(action.ticket);
        waiting?.reject(errorOf(action.why, waiting.timeoutMs));
        break;
      }
      case 'clear': {
        const clearing = this.#clearAndGoOn(action.name).finally(() => this.#clearings.delete(clearing));
        this.#clearings.add(clearing);
      }
    }
  }

  async #clearAndGoOn(name: string): Promise<void> {
    await this.#clear(name);
    this.#advance({ type: 'cleared', name });
  }

  #take(ticket: number): Waiting | undefined {
    const waiting = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}

function errorOf(why: SharedRefusal, timeoutMs: number): Error {
  switch (why.type) {
    case 'failed':
      return deserializeError(why.error);
    case 'cycle':
      return new CastoffError(
        'CONFIG_INVALID',
        `shared ${why.path[0] ?? ''}: its factory would wait for itself: ${why.path.join(' → ')}; share one of them without the other`,
      );
    case 'time-ran-out':
      return new DeadlineError(`wait for shared ${why.name}, which another test makes`, timeoutMs);
    case 'ending':
      return new CastoffError('SCOPE_CLOSED', `shared ${why.name}: the run is ending`);
  }
}
