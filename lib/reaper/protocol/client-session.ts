import { createHash, timingSafeEqual } from 'node:crypto';
import { messageOf } from '../../core/errors';
import { packageVersion } from '../../core/package-version';
import type { Claim, ClaimRules } from '../leases/claim';
import type { LeaseEnd } from '../leases/leases';
import type { LeaseTable } from '../reaping/lease-table';
import type { Reply } from '../../wire/request-connection';
import type { Response } from '../../wire/served-client';
import type { Observer } from '../reaping/observer';
import { parseRequest, type ParsedRequest } from './parse-request';

/** What a session needs from its server. */
export interface ClientSessionOptions {
  readonly leases: LeaseTable;
  readonly observe: Observer;
  readonly rules: ClaimRules;
  /** The client's address, for logs. */
  readonly from: string;
  /** Grace period of a client that sent a hello, in milliseconds. */
  readonly graceMs: number;
  /** Grace period of a client that sent no hello, in milliseconds. */
  readonly reconnectionTimeoutMs: number;
  /** Pauses, in milliseconds, before the claims of a client that sent a hello and no bye are listed again. */
  readonly latePausesMs: readonly number[];
  /** Whether an invalid filter gets `ACK`. */
  readonly isStrict: boolean;
  /** Token that the first request, a hello, must contain. Default: none required. */
  readonly token?: string | undefined;
  /** Called at each hello. Resolves to the reason why no client can be served, if any. */
  readonly unavailableReason?: (() => Promise<string | undefined>) | undefined;
  /** Called after a bye. */
  readonly onBye?: (() => void) | undefined;
}

/** Handles the lines of one client. Its lease opens with its first valid hello or claim. */
export class ClientSession {
  readonly #options: ClientSessionOptions;
  #lease: string | undefined;
  #hasHello = false;
  /** The check started by the hello. Claims made meanwhile are held, and answered when it completes. */
  #unavailable: Promise<string | undefined> | undefined;
  #rejection: string | undefined;
  #isAuthenticated: boolean;

  constructor(options: ClientSessionOptions) {
    this.#options = options;
    this.#isAuthenticated = options.token === undefined;
  }

  get hasLease(): boolean {
    return this.#lease !== undefined;
  }

  handleLine(line: string): Response {
    return this.#respond(parseRequest(line, this.#options.rules));
  }

  refuse(reason: string): string {
    return this.#nack(reason);
  }

  end(): void {
    this.#close({ isClean: false });
  }

  /** Releases every claim of this connection: nothing is reaped. */
  disown(): void {
    if (this.#lease !== undefined) this.#options.leases.releaseAll(this.#lease);
  }

  #respond(parsed: ParsedRequest): Response {
    if (parsed.type === 'refusal')
      return parsed.isFilter ? this.#nack(parsed.reason) : this.#deny(parsed.id, parsed.reason);
    if (!this.#isAuthenticated) {
      const hasToken =
        parsed.type === 'request' &&
        parsed.request.type === 'hello' &&
        this.#isValidToken(parsed.request.token);
      const reason = 'this reaper requires a token; send a hello with it first';
      if (!hasToken)
        return parsed.type === 'filter' ? this.#nack(reason) : this.#deny(parsed.request.id, reason);
      this.#isAuthenticated = true;
    }
    switch (parsed.type) {
      case 'filter':
        return this.#options.leases.claim(this.#open(), parsed.claim) ? 'ACK' : this.#nack(tooManyClaims);
      case 'claim-request':
        return this.#respondToClaim(parsed.request.id, parsed.request.type, parsed.claim);
      case 'request':
        return this.#respondToRequest(parsed.request);
    }
  }

  #respondToRequest(request: Extract<ParsedRequest, { type: 'request' }>['request']): Response {
    const { id } = request;
    switch (request.type) {
      case 'ping':
        return formatReply({ id, ok: true });
      case 'bye':
        this.#close({ isClean: true, keepMs: request.keepMs });
        this.#options.onBye?.();
        return formatReply({ id, ok: true });
      case 'hello': {
        const { version, session, owner } = request;
        const holder = `session ${session} (castoff ${version}, pid ${owner.pid} on ${owner.host})`;
        this.#hasHello = true;
        // All connections of a session share its limits, unless they come from different hosts.
        const client = `${session} ${hostOf(this.#options.from)}`;
        if (this.#lease === undefined) this.#lease = this.#options.leases.open(holder, client);
        else this.#options.leases.rename(this.#lease, holder, client);
        return this.#greet(id);
      }
    }
  }

  #greet(id: number): Response {
    const greeting = formatReply({ id, ok: true, version: packageVersion });
    const { unavailableReason } = this.#options;
    if (unavailableReason === undefined) return greeting;
    this.#rejection = undefined;
    this.#unavailable = unavailableReason().catch((error: unknown) => messageOf(error));
    return this.#unavailable.then((reason) => (reason === undefined ? greeting : this.#reject(id, reason)));
  }

  #afterHello(respond: (reason: string | undefined) => string): Response {
    return this.#unavailable === undefined ? respond(undefined) : this.#unavailable.then(respond);
  }

  // The client moves to another reaper, so claims that it made here meanwhile must not be reaped.
  #reject(id: number, reason: string): string {
    this.#rejection = reason;
    if (this.#lease !== undefined) this.#options.leases.drop(this.#lease);
    this.#lease = undefined;
    return this.#deny(id, reason);
  }

  #respondToClaim(id: number, type: 'claim' | 'release', claim: Claim): Response {
    const { leases } = this.#options;
    switch (type) {
      case 'claim':
        if (this.#rejection !== undefined) return this.#deny(id, this.#rejection);
        if (!leases.claim(this.#open(), claim)) return this.#deny(id, tooManyClaims);
        return this.#afterHello((reason) =>
          reason === undefined ? formatReply({ id, ok: true }) : this.#deny(id, reason),
        );
      case 'release':
        if (this.#lease === undefined || !leases.release(this.#lease, claim))
          return this.#deny(id, `this connection does not hold ${claim.key}`);
        return formatReply({ id, ok: true });
    }
  }

  #open(): string {
    this.#lease ??= this.#options.leases.open(`client ${this.#options.from}`);
    return this.#lease;
  }

  #close(how: Pick<LeaseEnd, 'isClean' | 'keepMs'>): void {
    if (this.#lease === undefined) return;
    const graceMs = this.#hasHello ? this.#options.graceMs : this.#options.reconnectionTimeoutMs;
    const latePausesMs = this.#hasHello ? this.#options.latePausesMs : [];
    this.#options.leases.close(this.#lease, { ...how, graceMs, latePausesMs });
    this.#lease = undefined;
  }

  #nack(reason: string): string {
    this.#logRejection(reason);
    return this.#options.isStrict ? 'ACK' : `NACK ${reason}`;
  }

  #deny(id: number, reason: string): string {
    this.#logRejection(reason);
    return formatReply({ id, ok: false, reason });
  }

  #logRejection(reason: string): void {
    this.#options.observe({ type: 'line-refused', from: this.#options.from, reason });
  }

  #isValidToken(token = ''): boolean {
    const expected = this.#options.token;
    // Digests have equal lengths, so that the time of the comparison reveals nothing.
    return expected === undefined || timingSafeEqual(digest(expected), digest(token));
  }
}

/** `10.0.0.7:41234` without its port; the connections of a local socket are numbered: `socket 7`. */
function hostOf(from: string): string {
  return from.replace(/[: ]\d+$/, '');
}

const tooManyClaims = 'too many claims';

/** `version`: of the reaper's castoff, in the response to a hello. */
const formatReply = (reply: Reply & { readonly version?: string }): string => JSON.stringify(reply);

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
