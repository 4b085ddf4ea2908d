import { digestBounds, type Bounds } from '../core/bounds';
import { deadline } from '../core/deadline';
import { CastoffError, isCastoffError, messageOf } from '../core/errors';
import { withTimeout } from '../core/timeout';
import { retryWithBackoff, RetryableError } from '../core/retry';
import { protocolVersion, type Reply } from '../reaper/protocol/message';
import { advanceClient, noLease, type Ask, type ClientEvent, type Hello } from './client-state';
import { converse, type RequestStream, type ReaperConnection } from './conversation';
import { note, warn } from './warnings';

export interface LeaseClientOptions {
  readonly hello: Omit<Hello, 'type' | 'protocol'>;
  /** A new connection to a reaper, which is started where none runs. */
  readonly connect: (signal: AbortSignal) => Promise<ReaperConnection>;
}

/** How long a claim may hold up the user's work. */
const patienceMs = 2_000;
/** How long a reaper may take from the connection to the last answer of hello and the claims. */
const resumeTimeoutMs = 10_000;

/**
 * Holds a lease at a reaper: makes its claims, and makes them again, in their order, at the next reaper when the connection
 * ends. It keeps no process alive, ends none, and holds up nobody for longer than 2 s; it says once that the lease was lost, and
 * once how it was got back.
 */
export class LeaseClient {
  readonly #options: LeaseClientOptions;
  readonly #ending = new AbortController();
  readonly #tickets = new Map<number, (reply: Reply) => void>();
  #state;
  #nextTicket = 1;
  #conversation: RequestStream | undefined;
  #reaper = 'no reaper yet';
  #resuming: PromiseWithResolvers<void> | undefined;
  #hasWarned = false;

  constructor(options: LeaseClientOptions) {
    this.#options = options;
    this.#state = noLease({ type: 'hello', protocol: protocolVersion, ...options.hello });
  }

  /** For people: who holds the lease. */
  get reaper(): string {
    return this.#reaper;
  }

  get isHeld(): boolean {
    return this.#state.phase === 'held';
  }

  /**
   * Takes the lease: connects, says hello and makes the first claim. Held when it resolves.
   *
   * @throws CastoffError `REAPER_PROTOCOL` when the reaper refuses; whatever `connect` throws. Nothing is held then.
   */
  async open(labels: readonly string[]): Promise<void> {
    const ticket = this.#ask({ type: 'claim', labels });
    // The connection does not hold the process: one that has nothing else to do yet would end here, as if all were well.
    const hold = setInterval(() => undefined, resumeTimeoutMs);
    try {
      await this.#resume();
      const reply = await ticket;
      if (!reply.ok) throw refused(this.#reaper, `claim ${labels.join(' and ')}`, reply.reason);
    } catch (error) {
      this.#end();
      throw error;
    } finally {
      clearInterval(hold);
    }
  }

  /**
   * Claims what carries every one of `labels` and is within `bounds`; resolves when the reaper has acknowledged it. One that does not within 2 s is
   * warned of once, and no longer waited for: the claim is made as soon as a reaper takes it.
   */
  async claim(labels: readonly string[], bounds?: Bounds): Promise<void> {
    const what = `claim ${labels.join(' and ')}`;
    const reply = await this.#answerInTime({ type: 'claim', labels, bounds: digestBounds(bounds) }, what);
    if (reply?.ok === false) warn('CASTOFF_CLAIM_REFUSED', refused(this.#reaper, what, reply.reason).message);
  }

  /** Gives up a claim: what it covers is kept. */
  async release(labels: readonly string[], bounds?: Bounds): Promise<void> {
    await this.#answerInTime(
      { type: 'release', labels, bounds: digestBounds(bounds) },
      `release ${labels.join(' and ')}`,
    );
  }

  /** Whether the reaper answers within 2 s. */
  async ping(): Promise<boolean> {
    const reply = await this.#inTime(this.#ask({ type: 'ping' }), 'ping the reaper');
    return reply?.ok === true;
  }

  /** Ends the lease: what its claims still cover is reaped at once. Waits for the reaper's answer, 2 s at the most. */
  async close(): Promise<void> {
    await this.#inTime(this.#ask({ type: 'bye' }), 'say bye to the reaper');
    this.#end();
  }

  #end(): void {
    this.#ending.abort(new Error('the lease has ended'));
    this.#conversation?.end();
  }

  #ask(ask: Ask): Promise<Reply> {
    const ticket = this.#nextTicket;
    this.#nextTicket += 1;
    const { promise, resolve } = Promise.withResolvers<Reply>();
    this.#tickets.set(ticket, resolve);
    this.#advance({ type: 'asked', ask, ticket });
    return promise;
  }

  async #answerInTime(ask: Ask, what: string): Promise<Reply | undefined> {
    const reply = await this.#inTime(this.#ask(ask), what);
    if (reply === undefined && !this.#hasWarned) {
      this.#hasWarned = true;
      warn(
        'CASTOFF_CLAIM_UNANSWERED',
        `${what}: no answer from ${this.#reaper} in ${patienceMs / 1_000} s; the work goes on, and until the reaper answers, a ` +
          'crash may leave things behind (npx castoff ls lists them)',
      );
    }
    return reply;
  }

  async #inTime(reply: Promise<Reply>, what: string): Promise<Reply | undefined> {
    try {
      return await withTimeout(reply, { what, timeoutMs: patienceMs });
    } catch (error) {
      if (isCastoffError(error, 'DEADLINE_EXCEEDED')) return undefined;
      throw error;
    }
  }

  #advance(event: ClientEvent): void {
    const { state, actions } = advanceClient(this.#state, event);
    this.#state = state;
    for (const action of actions) {
      switch (action.type) {
        case 'send':
          this.#conversation?.send(action.request);
          break;
        case 'settle':
          this.#tickets.get(action.ticket)?.(action.reply);
          this.#tickets.delete(action.ticket);
          break;
        case 'held':
          this.#resuming?.resolve();
          break;
        case 'lost':
          if (!this.#ending.signal.aborted) void this.#regain();
          break;
        case 'drop':
          this.#resuming?.reject(refused(this.#reaper, 'take a lease', action.reason));
          this.#conversation?.destroy();
          break;
        case 'claim-refused':
          warn(
            'CASTOFF_CLAIM_REFUSED',
            refused(this.#reaper, `claim ${action.labels.join(' and ')}`, action.reason).message,
          );
          break;
      }
    }
  }

  /** Connects and makes all claims; rejects when that connection ends before all are answered. */
  async #resume(): Promise<void> {
    const connection = await this.#options.connect(this.#ending.signal);
    const { stream, reaper } = connection;
    if (this.#ending.signal.aborted) {
      stream.destroy();
      return;
    }
    const resuming = Promise.withResolvers<void>();
    const limit = deadline(resumeTimeoutMs, { what: `take a lease at ${reaper}` });
    limit.addEventListener('abort', () => resuming.reject(limit.reason), { once: true });
    this.#resuming = resuming;
    this.#reaper = reaper;
    const conversation = converse(connection, {
      onReply: (reply) => {
        if (this.#conversation === conversation) this.#advance({ type: 'answered', reply });
      },
      onEnd: (why) => {
        resuming.reject(refused(reaper, 'take a lease', why));
        if (this.#conversation === conversation) this.#advance({ type: 'disconnected' });
      },
    });
    this.#conversation = conversation;
    this.#advance({ type: 'connected' });
    try {
      await resuming.promise;
    } catch (error) {
      conversation.destroy();
      throw error;
    }
  }

  async #regain(): Promise<void> {
    const lost = this.#reaper;
    warn('CASTOFF_LEASE_LOST', `the lease at ${lost} is lost; starting another reaper`);
    try {
      await retryWithBackoff(() => this.#tryToResume(), {
        firstPauseMs: 100,
        maxPauseMs: 5_000,
        signal: this.#ending.signal,
        holdsProcess: false,
      });
      if (this.#ending.signal.aborted) return;
      this.#hasWarned = false;
      warn(
        'CASTOFF_LEASE_REGAINED',
        `the lease is held again, at ${this.#reaper}; all claims have been made anew`,
      );
    } catch (error) {
      if (!this.#ending.signal.aborted) throw error;
    }
  }

  async #tryToResume(): Promise<void> {
    try {
      await this.#resume();
    } catch (error) {
      note(`take the lease anew: ${messageOf(error)}`);
      throw new RetryableError(messageOf(error), { cause: error });
    }
  }
}

function refused(reaper: string, what: string, reason: string): CastoffError {
  return new CastoffError('REAPER_PROTOCOL', `${what}: ${reaper} says no: ${reason}`);
}
