import { digestBounds, type Bounds } from '../core/bounds';
import { deadline } from '../core/deadline';
import { CastoffError, isCastoffError, messageOf } from '../core/errors';
import { withTimeout } from '../core/timeout';
import { retryWithBackoff, RetryableError } from '../core/retry';
import { logDebug } from '../core/print';
import { warn } from '../core/warnings';
import { protocolVersion, type Reply } from '../reaper/protocol/message';
import {
  advanceClient,
  initialClientState,
  type RequestBody,
  type ClientEvent,
  type Hello,
} from './client-state';
import { openRequestStream, type RequestStream, type ReaperConnection } from './request-stream';
import { SilentReapers } from './silent-reapers';
import type { AnswerLimits } from './watch-answers';

/** The options of a {@link LeaseClient}. */
export interface LeaseClientOptions {
  readonly hello: Omit<Hello, 'type' | 'protocol'>;
  /** Connects to a reaper, and starts one if none runs. */
  readonly connect: (signal: AbortSignal) => Promise<ReaperConnection>;
  /** When an unresponsive reaper is replaced. Defaults as in {@link watchAnswers}. */
  readonly answerLimits?: AnswerLimits | undefined;
}

/** How long a request may delay the user's code. */
const replyTimeoutMs = 2_000;
/** The time from the connection until hello and all claims are answered. */
const resumeTimeoutMs = 10_000;

/**
 * Holds a lease at a reaper. When the connection ends, it repeats all claims at the next reaper, in order.
 *
 * It neither keeps its process alive nor ends it, and delays callers for 2 s at most. It warns once when the
 * lease is lost, and once when it is held again.
 */
export class LeaseClient {
  readonly #options: LeaseClientOptions;
  readonly #ending = new AbortController();
  readonly #tickets = new Map<number, (reply: Reply) => void>();
  #state;
  #nextTicket = 1;
  #requests: RequestStream | undefined;
  #reaper = 'no reaper yet';
  #resuming: PromiseWithResolvers<void> | undefined;
  #hasWarned = false;
  readonly #silent: SilentReapers;

  constructor(options: LeaseClientOptions) {
    this.#options = options;
    this.#silent = new SilentReapers(options.answerLimits);
    this.#state = initialClientState({ type: 'hello', protocol: protocolVersion, ...options.hello });
  }

  /** A description of the reaper that holds the lease. */
  get reaper(): string {
    return this.#reaper;
  }

  get isHeld(): boolean {
    return this.#state.phase === 'held';
  }

  /**
   * Takes the lease: connects, sends hello and makes the first claim. Resolves when the lease is held.
   *
   * @throws CastoffError `REAPER_PROTOCOL` when the reaper refuses; any error of `connect`.
   */
  async open(labels: readonly string[]): Promise<void> {
    const ticket = this.#request({ type: 'claim', labels });
    // The connection is unreferenced: a process with nothing else to do would exit here without an error.
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
   * Claims all resources that carry all `labels` and are within `bounds`. Resolves on the reaper's reply, or
   * after 2 s with one warning: the claim is then made as soon as a reaper accepts it.
   */
  async claim(labels: readonly string[], bounds?: Bounds): Promise<void> {
    const what = `claim ${labels.join(' and ')}`;
    const reply = await this.#replyInTime({ type: 'claim', labels, bounds: digestBounds(bounds) }, what);
    if (reply?.ok === false) warn('CASTOFF_CLAIM_REFUSED', refused(this.#reaper, what, reply.reason).message);
  }

  /** Releases a claim: the resources that it covers are kept. */
  async release(labels: readonly string[], bounds?: Bounds): Promise<void> {
    const claim = { labels, bounds: digestBounds(bounds) };
    this.#silent.release(claim);
    await this.#replyInTime({ type: 'release', ...claim }, `release ${labels.join(' and ')}`);
  }

  /** Ends the lease: its claims are reaped after `keepMs`. Resolves to whether the reaper accepts in 2 s. */
  async close(keepMs?: number): Promise<boolean> {
    const reply = await this.#inTime(this.#request({ type: 'bye', keepMs }), 'end the lease');
    this.#end();
    return reply?.ok === true && reply.id !== 0;
  }

  #end(): void {
    this.#ending.abort(new Error('the lease is closed'));
    this.#silent.end([...this.#state.claims.values()]);
    this.#requests?.end();
  }

  /** Replaces a reaper that stops answering: it would not notice the death of this process. */
  #watch(): void {
    const ping = (): Promise<unknown> => this.#request({ type: 'ping' });
    this.#silent.watch(this.#requests, ping, () => {
      this.#requests = undefined;
      this.#advance({ type: 'disconnected' });
    });
  }

  #request(body: RequestBody): Promise<Reply> {
    const ticket = this.#nextTicket;
    this.#nextTicket += 1;
    const { promise, resolve } = Promise.withResolvers<Reply>();
    this.#tickets.set(ticket, resolve);
    this.#advance({ type: 'requested', body, ticket });
    return promise;
  }

  async #replyInTime(body: RequestBody, what: string): Promise<Reply | undefined> {
    const reply = await this.#inTime(this.#request(body), what);
    if (reply === undefined && !this.#hasWarned) {
      this.#hasWarned = true;
      warn(
        'CASTOFF_CLAIM_UNANSWERED',
        `${what}: no answer from ${this.#reaper} in ${replyTimeoutMs / 1_000} s; the work continues, and until ` +
          'the reaper answers, a crash may leave resources behind (npx castoff ls lists them)',
      );
    }
    return reply;
  }

  async #inTime(reply: Promise<Reply>, what: string): Promise<Reply | undefined> {
    try {
      return await withTimeout(reply, { what, timeoutMs: replyTimeoutMs });
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
          this.#requests?.send(action.request);
          break;
        case 'settle':
          this.#tickets.get(action.ticket)?.(action.reply);
          this.#tickets.delete(action.ticket);
          break;
        case 'held':
          this.#resuming?.resolve();
          this.#watch();
          break;
        case 'lost':
          this.#silent.stopWatching();
          if (!this.#ending.signal.aborted) void this.#regain();
          break;
        case 'drop':
          this.#resuming?.reject(refused(this.#reaper, 'take a lease', action.reason));
          this.#requests?.destroy();
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

  /** Connects and repeats all claims; rejects when the connection ends before all are answered. */
  async #resume(): Promise<void> {
    const connection = await this.#options.connect(this.#ending.signal);
    const { stream, reaper } = connection;
    if (this.#ending.signal.aborted) return void stream.destroy();
    const resuming = Promise.withResolvers<void>();
    const limit = deadline(resumeTimeoutMs, { what: `take a lease at ${reaper}` });
    limit.addEventListener('abort', () => resuming.reject(limit.reason), { once: true });
    this.#resuming = resuming;
    this.#reaper = reaper;
    const requests = openRequestStream(connection, {
      onReply: (reply) => {
        if (this.#requests === requests) this.#advance({ type: 'answered', reply });
      },
      onEnd: (reason) => {
        this.#silent.delete(requests);
        resuming.reject(refused(reaper, 'take a lease', reason));
        if (this.#requests === requests) this.#advance({ type: 'disconnected' });
      },
    });
    this.#requests = requests;
    this.#advance({ type: 'connected' });
    try {
      await resuming.promise;
    } catch (error) {
      requests.destroy();
      throw error;
    }
  }

  async #regain(): Promise<void> {
    warn('CASTOFF_LEASE_LOST', `the lease at ${this.#reaper} is lost; starting another reaper`);
    try {
      await retryWithBackoff(() => this.#resume().catch(retryLater), {
        firstPauseMs: 100,
        maxPauseMs: 5_000,
        signal: this.#ending.signal,
        holdsProcess: false,
      });
      if (this.#ending.signal.aborted) return;
      this.#hasWarned = false;
      warn('CASTOFF_LEASE_REGAINED', `the lease is held again, at ${this.#reaper}, with all its claims`);
    } catch (error) {
      if (!this.#ending.signal.aborted) throw error;
    }
  }
}

function refused(reaper: string, what: string, reason: string): CastoffError {
  return new CastoffError('REAPER_PROTOCOL', `${what} at ${reaper}: ${reason}`);
}

function retryLater(cause: unknown): never {
  logDebug(`take the lease again: ${messageOf(cause)}`);
  throw new RetryableError(messageOf(cause), { cause });
}
