import { createHash, timingSafeEqual } from 'node:crypto';
import { messageOf } from '../../core/errors';
import { packageVersion } from '../../core/package-version';
import type { Claim, ClaimRules } from '../leases/claim';
import type { LeaseTable } from '../reaping/lease-table';
import type { Reply } from './message';
import type { Observer } from '../reaping/observer';
import { parseRequest, type ParsedRequest } from './parse-request';

export interface ClientSessionOptions {
  readonly ledger: LeaseTable;
  readonly observe: Observer;
  readonly rules: ClaimRules;
  /** Where the other side is, for people. */
  readonly from: string;
  readonly graceMs: number;
  readonly reconnectionTimeoutMs: number;
  /** The pauses before what a client of castoff claimed is looked for again, where it ended without a bye. */
  readonly latePausesMs: readonly number[];
  /** A filter that cannot be used is answered like one that can. */
  readonly isStrict: boolean;
  /** Has to stand in the hello that comes first. */
  readonly token?: string | undefined;
  /** Asked at a hello: why nobody can be served here, if so. */
  readonly unavailableReason?: (() => Promise<string | undefined>) | undefined;
  /** Called after a bye. */
  readonly onBye?: (() => void) | undefined;
}

export type Response = string | Promise<string> | undefined;

/** What one client says, line by line, turned into what it holds; a lease begins with its first valid hello or claim. */
export class ClientSession {
  readonly #options: ClientSessionOptions;
  #lease: string | undefined;
  #hasSaidHello = false;
  /** Settles to why no client can be served here, if so: what is claimed meanwhile is held, and answered then. */
  #judging: Promise<string | undefined> | undefined;
  #whyTurnedAway: string | undefined;
  #isKnown: boolean;

  constructor(options: ClientSessionOptions) {
    this.#options = options;
    this.#isKnown = options.token === undefined;
  }

  get hasLease(): boolean {
    return this.#lease !== undefined;
  }

  /** The answer to a line; every line but an empty one has one. */
  handleLine(line: string): Response {
    return line === '' ? undefined : this.#answer(parseRequest(line, this.#options.rules));
  }

  /** The answer to a line that could not be read. */
  refuse(reason: string): string {
    return this.#nack(reason);
  }

  /** The connection has ended. */
  end(): void {
    this.#close(false);
  }

  /** Gives up everything that this connection claimed, without reaping it. */
  disown(): void {
    if (this.#lease !== undefined) this.#options.ledger.releaseAll(this.#lease);
  }

  #answer(parsed: ParsedRequest): Response {
    if (parsed.type === 'refusal')
      return parsed.isFilter ? this.#nack(parsed.reason) : this.#deny(parsed.id, parsed.reason);
    if (!this.#isKnown) {
      const isShown =
        parsed.type === 'request' && parsed.request.type === 'hello' && this.#isToken(parsed.request.token);
      const reason = 'this reaper demands a token: say hello with it first';
      if (!isShown)
        return parsed.type === 'filter' ? this.#nack(reason) : this.#deny(parsed.request.id, reason);
      this.#isKnown = true;
    }
    switch (parsed.type) {
      case 'filter':
        return this.#options.ledger.claim(this.#open(), parsed.claim) ? 'ACK' : this.#nack(noRoom);
      case 'claim-request':
        return this.#answerClaim(parsed.request.id, parsed.request.type, parsed.claim);
      case 'request':
        return this.#answerRequest(parsed.request);
    }
  }

  #answerRequest(request: Extract<ParsedRequest, { type: 'request' }>['request']): Response {
    const { id } = request;
    switch (request.type) {
      case 'ping':
        return say({ id, ok: true });
      case 'bye':
        this.#close(true);
        this.#options.onBye?.();
        return say({ id, ok: true });
      case 'hello': {
        const { version, session, owner } = request;
        const holder = `session ${session} (castoff ${version}, pid ${owner.pid} on ${owner.host})`;
        this.#hasSaidHello = true;
        if (this.#lease === undefined) this.#lease = this.#options.ledger.open(holder);
        else this.#options.ledger.rename(this.#lease, holder);
        return this.#welcome(id);
      }
    }
  }

  #welcome(id: number): Response {
    const welcome = say({ id, ok: true, version: packageVersion });
    const { unavailableReason } = this.#options;
    if (unavailableReason === undefined) return welcome;
    this.#whyTurnedAway = undefined;
    this.#judging = unavailableReason().catch((error: unknown) => messageOf(error));
    return this.#judging.then((why) => (why === undefined ? welcome : this.#turnAway(id, why)));
  }

  #judged(answer: (why: string | undefined) => string): Response {
    return this.#judging === undefined ? answer(undefined) : this.#judging.then(answer);
  }

  // The client goes to another reaper: what it has claimed here meanwhile is not to be reaped when it leaves.
  #turnAway(id: number, why: string): string {
    this.#whyTurnedAway = why;
    if (this.#lease !== undefined) this.#options.ledger.drop(this.#lease);
    this.#lease = undefined;
    return this.#deny(id, why);
  }

  #answerClaim(id: number, type: 'claim' | 'release', claim: Claim): Response {
    const { ledger } = this.#options;
    switch (type) {
      case 'claim':
        if (this.#whyTurnedAway !== undefined) return this.#deny(id, this.#whyTurnedAway);
        if (!ledger.claim(this.#open(), claim)) return this.#deny(id, noRoom);
        return this.#judged((why) => (why === undefined ? say({ id, ok: true }) : this.#deny(id, why)));
      case 'release':
        if (this.#lease === undefined || !ledger.release(this.#lease, claim))
          return this.#deny(id, `this connection does not hold ${claim.key}`);
        return say({ id, ok: true });
    }
  }

  #open(): string {
    this.#lease ??= this.#options.ledger.open(`client ${this.#options.from}`);
    return this.#lease;
  }

  #close(isClean: boolean): void {
    if (this.#lease === undefined) return;
    const graceMs = this.#hasSaidHello ? this.#options.graceMs : this.#options.reconnectionTimeoutMs;
    const latePausesMs = this.#hasSaidHello ? this.#options.latePausesMs : [];
    this.#options.ledger.close(this.#lease, { graceMs, isClean, latePausesMs });
    this.#lease = undefined;
  }

  #nack(reason: string): string {
    this.#tellRefusal(reason);
    return this.#options.isStrict ? 'ACK' : `NACK ${reason}`;
  }

  #deny(id: number, reason: string): string {
    this.#tellRefusal(reason);
    return say({ id, ok: false, reason });
  }

  #tellRefusal(reason: string): void {
    this.#options.observe({ type: 'line-refused', from: this.#options.from, reason });
  }

  #isToken(shown: string | undefined): boolean {
    const { token } = this.#options;
    if (token === undefined) return true;
    // Of one length, whatever was sent: how long the comparison takes says nothing.
    return timingSafeEqual(digest(token), digest(shown ?? ''));
  }
}

const noRoom = 'there are too many claims already';

const say = (reply: Reply): string => JSON.stringify(reply);

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
