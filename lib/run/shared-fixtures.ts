import { checkDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { DeadlineError } from '../core/deadline';
import { explainTimeout } from '../durations/duration-history';
import { deserializeError } from '../wire/serialize-error';
import type { SharedContainer, SharedMade, SharedTurn } from '../session/run-client';
import type { RunEntries } from './run-entries';
import type * as sharedState from './shared-state';
import type { SharedAction, SharedEvent, SharedRefusal, SharedState } from './shared-state';
import { sharedScope } from '../registry/scope-names';

interface SharedRequest {
  readonly name: string;
  readonly worker: string;
  readonly within?: string | undefined;
  readonly timeoutMs: number;
}

interface Waiting extends PromiseWithResolvers<SharedTurn> {
  readonly timer: NodeJS.Timeout;
  readonly timeoutMs: number;
}

/** Coordinates the shared fixtures of a run: performs the actions that `advanceShared` returns. */
export class SharedFixtures {
  readonly #entries: RunEntries;
  readonly #clear: (name: string) => Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  /** The scopes of all requested fixtures, including failed ones. */
  readonly #scopes = new Set<string>();
  readonly #clearings = new Set<Promise<void>>();
  /** `undefined` before the first request. */
  #state: SharedState | undefined;
  #isEnding = false;
  #nextTicket = 1;

  /** @param clear - Removes the resources of an unfinished fixture; never rejects. */
  constructor(entries: RunEntries, clear: (name: string) => Promise<void>) {
    this.#entries = entries;
    this.#clear = clear;
  }

  /** Whether a scope of that name belongs to a shared fixture, and so not to the worker that makes it. */
  isShared(scope: string): boolean {
    return this.#scopes.has(scope);
  }

  /**
   * Resolves when the fixture is ready, with its containers, or when it is the requester's turn to make it.
   *
   * @throws CastoffError `CONFIG_INVALID` for a cycle or an invalid timeout; DeadlineError; the factory's
   * error.
   */
  async awaitTurn(asked: SharedRequest): Promise<SharedTurn> {
    checkDuration('timeoutMs', asked.timeoutMs);
    const turn = await this.#ask(asked);
    return turn.type === 'there' ? { ...turn, containers: this.#containersOf(asked.name) } : turn;
  }

  #containersOf(name: string): readonly SharedContainer[] {
    const scope = sharedScope(name);
    return this.#entries.list().filter(({ kind, owner }) => kind === 'container' && owner.scope === scope);
  }

  #ask({ name, worker, within, timeoutMs }: SharedRequest): Promise<SharedTurn> {
    const ticket = this.#nextTicket;
    this.#nextTicket += 1;
    this.#scopes.add(sharedScope(name));
    const timer = setTimeout(() => {
      this.#advance({ type: 'timed-out', ticket });
      // The state no longer has the tickets of a worker that has ended.
      this.#take(ticket);
    }, timeoutMs);
    timer.unref();
    const waiting: Waiting = { ...Promise.withResolvers<SharedTurn>(), timer, timeoutMs };
    this.#waiting.set(ticket, waiting);
    if (this.#isEnding) this.#advance({ type: 'ending' });
    this.#advance({ type: 'asked', name, requester: { ticket, worker, within } });
    return waiting.promise;
  }

  settle(name: string, worker: string, made: SharedMade): void {
    this.#advance({ type: 'settled', name, worker, made });
  }

  forgetWorker(worker: string): void {
    if (this.#state !== undefined) this.#advance({ type: 'worker-ended', worker });
  }

  /**
   * Refuses further requests. Resolves, when pending removals have finished, to the fixtures to remove, the
   * last made first.
   */
  async end(): Promise<readonly string[]> {
    this.#isEnding = true;
    if (this.#state === undefined) return [];
    this.#advance({ type: 'ending' });
    while (this.#clearings.size > 0) await Promise.allSettled(this.#clearings);
    const { fixtures, made } = this.#state;
    const unmade = [...fixtures].filter(([, { phase }]) => phase === 'making').map(([name]) => name);
    return [...unmade, ...made.toReversed()];
  }

  #advance(event: SharedEvent): void {
    // Loaded with its first use: most runs share nothing.
    const { advanceShared, initialSharedState } = require('./shared-state') as typeof sharedState;
    const { state, actions } = advanceShared(this.#state ?? initialSharedState, event);
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
        waiting?.reject(errorOf(action.reason, waiting.timeoutMs));
        break;
      }
      case 'clear': {
        const clearing = this.#clearThenContinue(action.name).finally(() => this.#clearings.delete(clearing));
        this.#clearings.add(clearing);
      }
    }
  }

  async #clearThenContinue(name: string): Promise<void> {
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

function errorOf(reason: SharedRefusal, timeoutMs: number): Error {
  switch (reason.type) {
    case 'failed':
      return deserializeError(reason.error);
    case 'cycle':
      return new CastoffError(
        'CONFIG_INVALID',
        `shared ${reason.path[0] ?? ''}: its factory waits for itself: ${reason.path.join(' → ')}; break the cycle`,
      );
    case 'timed-out': {
      const finding = explainTimeout(`shared ${reason.name}`, { limitMs: timeoutMs });
      const what = `wait for shared ${reason.name}, which another test is making`;
      return new DeadlineError(what, timeoutMs, { finding });
    }
    case 'ending':
      return new CastoffError('SCOPE_CLOSED', `shared ${reason.name}: the run is ending`);
  }
}
