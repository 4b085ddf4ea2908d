import { claimKey, digestBounds, type BoundedLabels, type Bounds } from '../core/bounds';
import { deadline } from '../core/deadline';
import { CastoffError, isCastoffError, messageOf } from '../core/errors';
import { withTimeout } from '../core/timeout';
import { retryWithBackoff, RetryableError } from '../core/retry';
import { logDebug } from '../core/print';
import { warn } from '../core/warnings';
import { protocolVersion, type Request } from '../reaper/protocol/message';
import type { Reply, RequestConnection } from '../wire/request-connection';
import type { ReaperConnection } from './reaper-connection';
import { SilentReapers, type AnswerLimits } from './silent-reapers';

/** The options of a {@link LeaseClient}. */
export interface LeaseClientOptions {
  readonly hello: Pick<Extract<Request, { type: 'hello' }>, 'version' | 'session' | 'owner' | 'token'>;
  /** Connects to a reaper, and starts one if none runs. */
  readonly connect: (signal: AbortSignal) => Promise<ReaperConnection>;
  /** When an unresponsive reaper is replaced. Defaults as in {@link AnswerLimits}. */
  readonly answerLimits?: AnswerLimits | undefined;
}

/** A claim that every reaper must hold. Its bounds are digests. */
interface WantedClaim extends BoundedLabels {
  /** Settled by the reply of the current reaper, or of the next one that replies. */
  reply: PromiseWithResolvers<Reply>;
  isAnswered: boolean;
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
  readonly #silent: SilentReapers;
  /** By key, in the order in which they were first made. */
  readonly #claims = new Map<string, WantedClaim>();
  /** The current connection: the lease is held there, or being taken. */
  #requests: RequestConnection | undefined;
  #reaper = 'no reaper yet';
  #isHeld = false;
  #isOpen = false;
  #isClosing = false;
  #hasWarned = false;

  constructor(options: LeaseClientOptions) {
    this.#options = options;
    this.#silent = new SilentReapers(options.answerLimits);
  }

  /** A description of the reaper that holds the lease. */
  get reaper(): string {
    return this.#reaper;
  }
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /**
   * Takes the lease: connects, sends hello and makes the first claim. Resolves when the lease is held.
   *
   * @throws CastoffError `REAPER_PROTOCOL` when the reaper refuses; any error of `connect`.
   */
  async open(labels: readonly string[]): Promise<void> {
    const claim = this.#want({ labels });
    // The connection is unreferenced: a process with nothing else to do would exit here without an error.
    const hold = setInterval(() => undefined, resumeTimeoutMs);
    try {
      await this.#resume();
      const reply = await claim.reply.promise;
      if (!reply.ok) throw this.#refused(describeClaim(labels), reply.reason);
      this.#isOpen = true;
    } catch (error) {
      this.#end();
      throw error;
    } finally {
      clearInterval(hold);
    }
  }

  /**
   * Claims all resources that carry all `labels` and are within `bounds`. Resolves on the reaper's reply, or
   * after 2 s with one warning: the claim is then made as soon as a reaper accepts it. A refusal is a warning.
   */
  async claim(labels: readonly string[], bounds?: Bounds): Promise<void> {
    if (this.#isClosing) return;
    const claim = this.#want({ labels, bounds: digestBounds(bounds) });
    await this.#inTime(claim.reply.promise, describeClaim(labels));
  }

  /** Releases a claim: the resources that it covers are kept. */
  async release(labels: readonly string[], bounds?: Bounds): Promise<void> {
    const claim = { labels, bounds: digestBounds(bounds) };
    const key = claimKey(claim.labels, claim.bounds);
    this.#claims.get(key)?.reply.resolve(accepted);
    this.#claims.delete(key);
    this.#silent.release(claim);
    // Rejects when the connection ends: the claim is not repeated on the next.
    const releasing = Promise.allSettled([this.#requests?.request({ type: 'release', ...claim })]);
    await this.#inTime(releasing, `release ${labels.join(' and ')}`);
  }

  /** Ends the lease: its claims are reaped after `keepMs`. Resolves to whether the reaper accepts in 2 s. */
  async close(keepMs?: number): Promise<boolean> {
    this.#isClosing = true;
    // Rejects when the connection ends, and with it the lease.
    const bye = Promise.resolve(this.#requests?.request({ type: 'bye', keepMs }));
    const [reply] = await Promise.allSettled([withTimeout(bye, { what: 'bye', timeoutMs: replyTimeoutMs })]);
    this.#end();
    return reply.status === 'fulfilled' && reply.value?.ok === true;
  }

  #end(): void {
    this.#isClosing = true;
    this.#ending.abort(new Error('the lease is closed'));
    this.#silent.end([...this.#claims.values()]);
    this.#requests?.end();
    for (const { reply } of this.#claims.values()) reply.resolve(accepted);
  }

  /** Adds a claim, and makes it at the current reaper. */
  #want({ labels, bounds }: BoundedLabels): WantedClaim {
    const key = claimKey(labels, bounds);
    const known = this.#claims.get(key);
    if (known !== undefined) return known;
    const claim: WantedClaim = { labels, bounds, reply: Promise.withResolvers(), isAnswered: false };
    this.#claims.set(key, claim);
    if (this.#requests !== undefined) void this.#make(claim, this.#requests);
    return claim;
  }

  /** Makes a claim on one connection. Never rejects: the next connection repeats what this one leaves open. */
  async #make(claim: WantedClaim, requests: RequestConnection): Promise<void> {
    const { labels, bounds } = claim;
    const [made] = await Promise.allSettled([requests.request({ type: 'claim', labels, bounds })]);
    if (made.status === 'rejected' || this.#requests !== requests) return;
    claim.isAnswered = true;
    claim.reply.resolve(made.value);
    if (made.value.ok) return;
    const key = claimKey(labels, bounds);
    if (this.#claims.get(key) === claim) this.#claims.delete(key);
    if (this.#isOpen)
      warn('CASTOFF_CLAIM_REFUSED', this.#refused(describeClaim(labels), made.value.reason).message);
  }

  #refused(what: string, reason: string): CastoffError {
    return new CastoffError('REAPER_PROTOCOL', `${what} at ${this.#reaper}: ${reason}`);
  }

  /** Waits for a reply, 2 s at most, and then warns once. */
  async #inTime(reply: Promise<unknown>, what: string): Promise<void> {
    try {
      await withTimeout(reply, { what, timeoutMs: replyTimeoutMs });
    } catch (error) {
      if (!isCastoffError(error, 'DEADLINE_EXCEEDED')) throw error;
      if (this.#hasWarned) return;
      this.#hasWarned = true;
      warn(
        'CASTOFF_CLAIM_UNANSWERED',
        `${what}: no answer from ${this.#reaper} in ${replyTimeoutMs / 1_000} s; the work continues, and until ` +
          'the reaper answers, a crash may leave resources behind (npx castoff ls lists them)',
      );
    }
  }

  /** Connects and repeats all claims; rejects when the connection ends before all are answered. */
  async #resume(): Promise<void> {
    const { requests, reaper } = await this.#options.connect(this.#ending.signal);
    if (this.#ending.signal.aborted) return requests.destroy();
    this.#requests = requests;
    this.#reaper = reaper;
    void this.#followEnd(requests);
    const what = `take a lease at ${reaper}`;
    try {
      // The timer of a deadline does not keep the process alive.
      await withTimeout(this.#introduce(requests), { what, signal: deadline(resumeTimeoutMs, { what }) });
    } catch (error) {
      requests.destroy();
      this.#lose(requests);
      throw isCastoffError(error) ? error : this.#refused('take a lease', messageOf(error));
    }
    this.#isHeld = true;
    // A reaper that stops answering would not notice the death of this process.
    this.#silent.watch(requests, () => this.#lose(requests));
  }

  async #followEnd(requests: RequestConnection): Promise<void> {
    logDebug(`a connection of the lease ended: ${await requests.ended}`);
    this.#silent.delete(requests);
    this.#lose(requests);
  }

  async #introduce(requests: RequestConnection): Promise<void> {
    const greeting = requests.request({ type: 'hello', protocol: protocolVersion, ...this.#options.hello });
    const claims = [...this.#claims.values()].map((claim) => this.#make(claim, requests));
    const reply = await greeting;
    if (!reply.ok) {
      // It also refuses the claims, which the next reaper may accept.
      this.#lose(requests);
      throw new Error(reply.reason);
    }
    await Promise.all(claims);
    if (this.#requests !== requests) throw new Error(await requests.ended);
  }

  /** Takes the lease elsewhere, if it was held there. */
  #lose(requests: RequestConnection): void {
    if (this.#requests !== requests) return;
    this.#requests = undefined;
    for (const claim of this.#claims.values())
      if (claim.isAnswered)
        Object.assign(claim, { reply: Promise.withResolvers<Reply>(), isAnswered: false });
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#silent.stopWatching();
    if (!this.#isClosing) void this.#regain();
  }

  async #regain(): Promise<void> {
    const { signal } = this.#ending;
    warn('CASTOFF_LEASE_LOST', `the lease at ${this.#reaper} is lost; starting another reaper`);
    const pauses = { firstPauseMs: 100, maxPauseMs: 5_000, holdsProcess: false };
    const resuming = retryWithBackoff(() => this.#resume().catch(retryLater), { ...pauses, signal });
    // Rejects when this client is closed.
    await Promise.allSettled([resuming]);
    if (signal.aborted) return;
    this.#hasWarned = false;
    warn('CASTOFF_LEASE_REGAINED', `the lease is held again, at ${this.#reaper}, with all its claims`);
  }
}

const accepted: Reply = { id: 0, ok: true };

function describeClaim(labels: readonly string[]): string {
  return `claim ${labels.join(' and ')}`;
}

function retryLater(cause: unknown): never {
  logDebug(`take the lease again: ${messageOf(cause)}`);
  throw new RetryableError(messageOf(cause), { cause });
}
