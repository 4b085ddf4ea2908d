import { ServedClient, type ClientStreams, type Response } from '../../wire/served-client';
import type { RawLine } from '../../wire/line-reader';
import { ClientSession, type ClientSessionOptions } from './client-session';
import { isHttpLine, isTlsHandshake } from './http-line';
import { maxLineBytes } from './message';
import { parseRequest } from './parse-request';

/** Options of a connection, and of its session. */
export interface ConnectionOptions extends ClientSessionOptions {
  /**
   * Whether to ignore a first line that cannot be read: Podman writes the body of the attach request, in
   * JSON, to the container's stdin.
   */
  readonly hasPreamble?: boolean | undefined;
  /** Called with the reason when a client of another protocol is disconnected. */
  readonly onForeign: (reason: string) => void;
  /** Called once, when the client has disconnected or was dismissed. */
  readonly onClosed: () => void;
}

/** The connection of one client of a reaper, and its session. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #session: ClientSession;
  readonly #connection: ServedClient;
  #isFirstLine = true;

  constructor(streams: ClientStreams, options: ConnectionOptions) {
    this.#options = options;
    this.#session = new ClientSession(options);
    this.#connection = new ServedClient(streams, {
      maxLineBytes,
      onFirstChunk: (chunk) => {
        if (isTlsHandshake(chunk[0])) this.#rejectForeign('the client speaks TLS');
      },
      onLine: (line) => this.#handle(line),
      onInputEnd: () => this.#session.end(),
      onClosed: () => {
        this.#session.end();
        options.onClosed();
      },
    });
  }

  get hasLease(): boolean {
    return this.#session.hasLease;
  }

  dismiss(reason?: string): void {
    this.#connection.dismiss(reason === undefined ? undefined : `NACK ${reason}`);
  }

  #handle(line: RawLine): Response {
    const isFirst = this.#isFirstLine;
    this.#isFirstLine = false;
    if ('refusal' in line) return this.#session.refuse(line.refusal);
    if (isHttpLine(line.text)) return this.#rejectForeign('the client speaks HTTP');
    if (isFirst && this.#options.hasPreamble === true && isUnreadable(line.text)) return undefined;
    return this.#session.handleLine(line.text);
  }

  /** Disconnects a client of another protocol. Its claims are released, so that nothing is reaped. */
  #rejectForeign(reason: string): undefined {
    this.#session.disown();
    this.#options.onForeign(reason);
    this.dismiss();
  }
}

// An invalid request that has an id still gets a response.
function isUnreadable(line: string): boolean {
  const parsed = parseRequest(line);
  return parsed.type === 'refusal' && !parsed.id;
}
