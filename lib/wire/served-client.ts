import type { Readable, Writable } from 'node:stream';
import { endWithin } from './end-within';
import { LineReader, type RawLine } from './line-reader';

/** A client's input and output; a socket is both. */
export interface ClientStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/** The line to send, if any; never rejects. */
export type Response = string | Promise<string> | undefined;

interface LineHandler {
  /** Longer lines are refused. */
  readonly maxLineBytes: number;
  /** Receives the first chunk of bytes, before its lines. */
  readonly onFirstChunk?: ((chunk: Buffer) => void) | undefined;
  /** Handles a line that is not empty. Returns the response, which is sent after those to earlier lines. */
  readonly onLine: (line: RawLine) => Response;
  /** Called when the client has ended its input, and all its lines are handled. */
  readonly onInputEnd?: (() => void) | undefined;
  /** Called once, when the client has disconnected and all its lines are handled, or when it was dismissed. */
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

/** A client of a server of lines: the server handles them, and sends the responses in order. */
export class ServedClient {
  readonly #streams: ClientStreams;
  readonly #handler: LineHandler;
  readonly #reader: LineReader;
  readonly #lines: RawLine[] = [];
  readonly #responses: (string | Promise<string>)[] = [];
  #isFirstChunk = true;
  #isInputEnded = false;
  #isInputClosed = false;
  #isClosed = false;

  constructor(streams: ClientStreams, handler: LineHandler) {
    this.#streams = streams;
    this.#handler = handler;
    this.#reader = new LineReader(handler.maxLineBytes);
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

  /** Sends a line at once, before the responses that are not ready. Drops it when the client has disconnected. */
  send(line: string): void {
    if (this.#streams.output.writable) this.#streams.output.write(`${line}\n`);
  }

  /** Disconnects the client, after sending the last line, if any. */
  dismiss(lastLine?: string): void {
    const { input, output } = this.#streams;
    this.#close();
    if (lastLine === undefined || !output.writable) input.destroy();
    else endWithin(output, { text: `${lastLine}\n`, timeoutMs: dismissalMs, onEnd: () => input.destroy() });
  }

  #receive(chunk: Buffer): void {
    if (this.#isFirstChunk) this.#handler.onFirstChunk?.(chunk);
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
      if ('refusal' in line || line.text !== '') this.#respond(this.#handler.onLine(line));
    }
    this.#applyBackpressure();
    if (this.#lines.length > 0) setImmediate(() => this.#handleLines());
    else if (this.#isInputClosed) this.#close();
    else if (this.#isInputEnded) this.#endResponses();
  }

  /** Lines that a client sent before it died still count. */
  #closeAfterLines(): void {
    this.#isInputClosed = true;
    if (this.#lines.length === 0) this.#close();
  }

  #respond(response: Response): void {
    if (response === undefined) return;
    if (this.#responses.length === 0 && typeof response === 'string') {
      this.send(response);
      return;
    }
    this.#responses.push(response);
    if (this.#responses.length === 1) void this.#sendResponses();
  }

  /** Never rejects, because the responses never do. */
  async #sendResponses(): Promise<void> {
    for (let next = this.#responses[0]; next !== undefined; next = this.#responses[0]) {
      this.send(await next);
      void this.#responses.shift();
    }
    this.#applyBackpressure();
    if (this.#isInputEnded && this.#lines.length === 0) this.#endOutput();
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
    if (this.#lines.length === 0) this.#endResponses();
  }

  #endResponses(): void {
    this.#handler.onInputEnd?.();
    if (this.#responses.length === 0) this.#endOutput();
  }

  #endOutput(): void {
    const { input, output } = this.#streams;
    endWithin(output, { timeoutMs: lastResponsesMs, onEnd: () => input.destroy() });
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#responses.length = 0;
    this.#lines.length = 0;
    this.#handler.onClosed();
  }
}
