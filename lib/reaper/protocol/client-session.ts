import { createHash, timingSafeEqual } from 'node:crypto';
import { messageOf } from '../../core/errors';
import { packageVersion } from '../../core/package-version';
import type { Claim } from '../leases/claim';
import type { LeaseEnd } from '../leases/leases';
import type { ClaimableKeys } from '../leases/reaper-mode';
import type { LeaseTable } from '../reaping/lease-table';
import type { Reply } from '../../wire/request-connection';
import type { Response } from '../../wire/served-client';
import type { Observer } from '../reaping/observer';
import { parseRequest, type ParsedRequest } from './parse-request';

/** What a session needs from its server. */
export interface ClientSessionOptions {
  readonly leases: LeaseTable;
  readonly observe: Observer;
  readonly claimableKeys: ClaimableKeys;
  /** The client's address, for logs. */
  readonly from: string;
  /** The host that the client connects from; `undefined` for a local client. */
  readonly host?: string | undefined;
  /** Grace period of a client that sent a hello, in milliseconds. */
  readonly graceMs: number;
  /** Grace period of a client that sent no hello, in milliseconds. */
  readonly reconnectionTimeoutMs: number;
  /** Pauses, in milliseconds, before the claims of a client that sent a hello and no bye are listed again. */
  readonly latePausesMs: readonly number[];
  /** Whether an invalid filter gets `ACK`. */
  readonly isStrict: boolean;
  /** Token that the first request, a hello or a line of Ryuk's protocol, must contain. Default: none required. */
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
    const request = parseRequest(line, this.#options.claimableKeys);
    if (request.type === 'refusal') return this.refuse(request.reason, request.id);
    const token = 'token' in request ? request.token : undefined;
    if (!this.#isAuthenticated && !this.#isValidToken(token))
      return this.refuse(
        'this reaper requires a token; send a hello or token=<token> with it first',
        request.id,
      );
    this.#isAuthenticated = true;
    return this.#respond(request);
  }

  /**
   * Returns the response to a line that is refused.
   *
   * @param id - The id of its request. Default: none, as in Ryuk's protocol.
   */
  refuse(reason: string, id?: number): string {
    const { from, isStrict, observe } = this.#options;
    observe({ type: 'line-refused', from, reason });
    if (id !== undefined) return formatReply({ id, ok: false, reason });
    return isStrict ? 'ACK' : `NACK ${reason}`;
  }

  end(): void {
    this.#close({ isClean: false });
  }

  /** Releases every claim of this connection: nothing is reaped. */
  disown(): void {
    if (this.#lease !== undefined) this.#options.leases.releaseAll(this.#lease);
  }

  #respond(request: Exclude<ParsedRequest, { type: 'refusal' }>): Response {
    const { leases, onBye } = this.#options;
    switch (request.type) {
      case 'token':
        return 'ACK';
      case 'filter':
        return leases.claim(this.#open(), request.claim) ? 'ACK' : this.refuse(tooManyClaims);
      case 'claim':
        return this.#claim(request.id, request.claim);
      case 'release': {
        const { id, claim } = request;
        if (this.#lease === undefined || !leases.release(this.#lease, claim))
          return this.refuse(`this connection does not hold ${claim.key}`, id);
        return formatReply({ id, ok: true });
      }
      case 'hello':
        return this.#greet(request);
      case 'bye':
        this.#close({ isClean: true, keepMs: request.keepMs });
        onBye?.();
        return formatReply({ id: request.id, ok: true });
      case 'ping':
        return formatReply({ id: request.id, ok: true });
    }
  }

  #greet({ id, version, session, owner }: Extract<ParsedRequest, { type: 'hello' }>): Response {
    const { host, leases, unavailableReason } = this.#options;
    const holder = `session ${session} (castoff ${version}, pid ${owner.pid} on ${owner.host})`;
    // All connections of a session share its limits, unless they come from different hosts.
    const client = `${session} ${host ?? 'local'}`;
    this.#hasHello = true;
    if (this.#lease === undefined) this.#lease = leases.open(holder, client, host);
    else leases.rename(this.#lease, holder, client, host);
    const greeting = formatReply({ id, ok: true, version: packageVersion });
    if (unavailableReason === undefined) return greeting;
    this.#rejection = undefined;
    this.#unavailable = unavailableReason().catch((error: unknown) => messageOf(error));
    return this.#unavailable.then((reason) => (reason === undefined ? greeting : this.#reject(id, reason)));
  }

  // The client moves to another reaper, so claims that it made here meanwhile must not be reaped.
  #reject(id: number, reason: string): string {
    this.#rejection = reason;
    if (this.#lease !== undefined) this.#options.leases.drop(this.#lease);
    this.#lease = undefined;
    return this.refuse(reason, id);
  }

  #claim(id: number, claim: Claim): Response {
    if (this.#rejection !== undefined) return this.refuse(this.#rejection, id);
    if (!this.#options.leases.claim(this.#open(), claim)) return this.refuse(tooManyClaims, id);
    const respond = (reason: string | undefined): string =>
      reason === undefined ? formatReply({ id, ok: true }) : this.refuse(reason, id);
    return this.#unavailable === undefined ? respond(undefined) : this.#unavailable.then(respond);
  }

  #open(): string {
    const { from, host, leases } = this.#options;
    return (this.#lease ??= leases.open(`client ${from}`, undefined, host));
  }

  #close(how: Pick<LeaseEnd, 'isClean' | 'keepMs'>): void {
    if (this.#lease === undefined) return;
    const graceMs = this.#hasHello ? this.#options.graceMs : this.#options.reconnectionTimeoutMs;
    const latePausesMs = this.#hasHello ? this.#options.latePausesMs : [];
    this.#options.leases.close(this.#lease, { ...how, graceMs, latePausesMs });
    this.#lease = undefined;
  }

  #isValidToken(token = ''): boolean {
    const expected = this.#options.token;
    // Digests have equal lengths, so that the time of the comparison reveals nothing.
    return expected === undefined || timingSafeEqual(digest(expected), digest(token));
  }
}

const tooManyClaims = 'too many claims';

/** `version`: of the reaper's castoff, in the response to a hello. */
const formatReply = (reply: Reply & { readonly version?: string }): string => JSON.stringify(reply);

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
