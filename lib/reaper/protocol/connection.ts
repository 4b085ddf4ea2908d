import type { Readable, Writable } from 'node:stream';
import { ClientSession, type ClientSessionOptions, type Response } from './client-session';
import { endWithin } from '../../wire/end-within';
import { isHttpLine, isTlsHandshake } from './http-line';
import { LineReader, type RawLine } from '../../wire/line-reader';
import { maxLineBytes } from './message';
import { parseRequest } from './parse-request';

/** A client's input and output; a socket is both. */
export interface ClientStreams {
  readonly input: Readable;
  readonly output: Writable;
}

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

/** Above these limits, no more lines of the client are read. */
const maxUnsentBytes = 65_536;
const maxPendingResponses = 1_000;
/** Lines of one client handled before other clients get their turn. */
const linesPerTurn = 32;
/** How long a dismissed client may take to read the reason. */
const dismissalMs = 1_000;
/** How long a client that ended its input may take to read the last responses. */
const lastResponsesMs = 10_000;

/** The connection of one client: handles its lines, and sends the responses in order. */
export class Connection {
  readonly #streams: ClientStreams;
  readonly #options: ConnectionOptions;
  readonly #reader = new LineReader(maxLineBytes);
  readonly #session: ClientSession;
  readonly #lines: RawLine[] = [];
  readonly #responses: (string | Promise<string>)[] = [];
  #isFirstLine = true;
  #isFirstChunk = true;
  #isInputEnded = false;
  #isInputClosed = false;
  #isClosed = false;

  constructor(streams: ClientStreams, options: ConnectionOptions) {
    this.#streams = streams;
    this.#options = options;
    this.#session = new ClientSession(options);
    const { input, output } = streams;
    input.on('data', (chunk: Buffer) => this.#receive(chunk));
    input.once('end', () => this.#endInput());
    input.once('close', () => this.#closeAfterLines());
    // ECONNRESET: the client disconnected.
    input.on('error', () => this.#closeAfterLines());
    // EPIPE: the client does not read. A socket also reports this on its input; without stdout, the lease
    // lives on.
    output.on('error', () => undefined);
    output.on('drain', () => this.#applyBackpressure());
  }

  get hasLease(): boolean {
    return this.#session.hasLease;
  }

  /** Disconnects the client, after sending the reason, if any. */
  dismiss(reason?: string): void {
    const { input, output } = this.#streams;
    this.#close();
    if (reason === undefined || !output.writable) input.destroy();
    else
      endWithin(output, { text: `NACK ${reason}\n`, timeoutMs: dismissalMs, onEnd: () => input.destroy() });
  }

  #receive(chunk: Buffer): void {
    if (this.#isFirstChunk && isTlsHandshake(chunk[0])) this.#rejectForeign('the client speaks TLS');
    this.#isFirstChunk = false;
    const isHandling = this.#lines.length > 0;
    for (const line of this.#reader.push(chunk)) this.#lines.push(line);
    if (!isHandling) this.#handleLines();
  }

  /**
   * Handles some lines, and leaves the others to the next turn of the event loop, so that other clients get
   * their turn.
   */
  #handleLines(): void {
    for (const line of this.#lines.splice(0, linesPerTurn)) {
      if (this.#isClosed) return;
      if ('text' in line && isHttpLine(line.text)) {
        this.#rejectForeign('the client speaks HTTP');
        return;
      }
      this.#send(this.#handle(line));
    }
    this.#applyBackpressure();
    if (this.#lines.length > 0) setImmediate(() => this.#handleLines());
    else if (this.#isInputClosed) this.#close();
    else if (this.#isInputEnded) this.#endSession();
  }

  /** Claims that a client sent before it died still count. */
  #closeAfterLines(): void {
    this.#isInputClosed = true;
    if (this.#lines.length === 0) this.#close();
  }

  #handle(line: RawLine): Response {
    const isFirst = this.#isFirstLine;
    if ('text' in line && line.text === '') return undefined;
    this.#isFirstLine = false;
    if ('refusal' in line) return this.#session.refuse(line.refusal);
    if (isFirst && this.#options.hasPreamble === true && isUnreadable(line.text)) return undefined;
    return this.#session.handleLine(line.text);
  }

  #send(response: Response): void {
    if (response === undefined) return;
    if (this.#responses.length === 0 && typeof response === 'string') {
      this.#write(response);
      return;
    }
    this.#responses.push(response);
    if (this.#responses.length === 1) void this.#sendResponses();
  }

  /** Never rejects, because the responses never do. */
  async #sendResponses(): Promise<void> {
    for (let next = this.#responses[0]; next !== undefined; next = this.#responses[0]) {
      const response = await next;
      this.#write(response);
      void this.#responses.shift();
    }
    this.#applyBackpressure();
    if (this.#isInputEnded && this.#lines.length === 0) this.#endOutput();
  }

  #write(response: string): void {
    if (this.#streams.output.writable) this.#streams.output.write(`${response}\n`);
  }

  // The lines of a client that does not read its responses stay in the client's buffers.
  #applyBackpressure(): void {
    const { input, output } = this.#streams;
    const isFull =
      output.writableLength > maxUnsentBytes ||
      this.#responses.length > maxPendingResponses ||
      this.#lines.length > 0;
    if (isFull === input.isPaused()) return;
    if (isFull) input.pause();
    else input.resume();
  }

  // The client may still wait for a response.
  #endInput(): void {
    this.#isInputEnded = true;
    if (this.#lines.length === 0) this.#endSession();
  }

  #endSession(): void {
    this.#session.end();
    if (this.#responses.length === 0) this.#endOutput();
  }

  #endOutput(): void {
    const { input, output } = this.#streams;
    endWithin(output, { timeoutMs: lastResponsesMs, onEnd: () => input.destroy() });
  }

  /** Disconnects a client of another protocol. Its claims are released, so that nothing is reaped. */
  #rejectForeign(reason: string): void {
    this.#session.disown();
    this.#options.onForeign(reason);
    this.dismiss();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#responses.length = 0;
    this.#lines.length = 0;
    this.#session.end();
    this.#options.onClosed();
  }
}

// An invalid request that has an id still gets a response.
function isUnreadable(line: string): boolean {
  const parsed = parseRequest(line);
  return parsed.type === 'refusal' && parsed.id === 0;
}
