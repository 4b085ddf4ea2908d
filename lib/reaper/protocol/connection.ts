import type { Readable, Writable } from 'node:stream';
import { ClientSession, type ClientSessionOptions, type Response } from './client-session';
import { endWithin } from '../../wire/end-within';
import { isHttpLine, isTlsHandshake } from './http-line';
import { LineReader, type RawLine } from '../../wire/line-reader';
import { longestLineBytes } from './message';
import { parseRequest } from './parse-request';

/** The two ends of one line to a client: a socket is both. */
export interface Ends {
  readonly input: Readable;
  readonly output: Writable;
}

export interface ConnectionOptions extends ClientSessionOptions {
  /**
   * Whether a first line that cannot be read is passed over.
   * @see FACTS: Podman delivers the attach options, a JSON body, to the container's stdin
   */
  readonly hasPreamble?: boolean | undefined;
  /** Called with the reason when a client of another protocol is disconnected. */
  readonly onForeign: (reason: string) => void;
  /** Called once, when the other side has gone or was sent away. */
  readonly onGone: () => void;
}

/** So much may wait to be sent, or be still under way, before no more lines are read. */
const mostUnsentBytes = 65_536;
const mostUnderWay = 1_000;
/** So many lines of one client are answered before the others have their turn. */
const linesATurn = 32;
/** How long a client that is sent away may take to read why. */
const dismissalMs = 1_000;
/** How long a client that sends nothing more may take to read its last answers. */
const lastAnswersMs = 10_000;

/** One client: its lines heard as they come, its answers sent in their order. */
export class Connection {
  readonly #ends: Ends;
  readonly #options: ConnectionOptions;
  readonly #reader = new LineReader(longestLineBytes);
  readonly #conversation: ClientSession;
  readonly #lines: RawLine[] = [];
  readonly #answers: (string | Promise<string>)[] = [];
  #isFirstLine = true;
  #isFirstChunk = true;
  #hasEnded = false;
  #hasClosed = false;
  #isGone = false;

  constructor(ends: Ends, options: ConnectionOptions) {
    this.#ends = ends;
    this.#options = options;
    this.#conversation = new ClientSession(options);
    const { input, output } = ends;
    input.on('data', (chunk: Buffer) => this.#receive(chunk));
    input.once('end', () => this.#finish());
    input.once('close', () => this.#leaveAfterLines());
    // ECONNRESET: the other side is gone.
    input.on('error', () => this.#leaveAfterLines());
    // EPIPE: nobody hears the answers. On a socket the other end says so too; without a standard output the lease lives on.
    output.on('error', () => undefined);
    output.on('drain', () => this.#regulate());
  }

  get hasLease(): boolean {
    return this.#conversation.hasLease;
  }

  /** Sends the client away, with the reason where there is one to be told. */
  dismiss(reason?: string): void {
    const { input, output } = this.#ends;
    this.#leave();
    if (reason === undefined || !output.writable) input.destroy();
    else
      endWithin(output, { text: `NACK ${reason}\n`, timeoutMs: dismissalMs, onEnd: () => input.destroy() });
  }

  #receive(chunk: Buffer): void {
    if (this.#isFirstChunk && isTlsHandshake(chunk[0])) this.#hangUp('it speaks TLS');
    this.#isFirstChunk = false;
    const isWorking = this.#lines.length > 0;
    for (const line of this.#reader.push(chunk)) this.#lines.push(line);
    if (!isWorking) this.#work();
  }

  /** Answers some lines; the others wait for the next turn of the event loop, so that other clients are heard between them. */
  #work(): void {
    for (const line of this.#lines.splice(0, linesATurn)) {
      if (this.#isGone) return;
      if ('text' in line && isHttpLine(line.text)) {
        this.#hangUp('it speaks HTTP');
        return;
      }
      this.#send(this.#hear(line));
    }
    this.#regulate();
    if (this.#lines.length > 0) setImmediate(() => this.#work());
    else if (this.#hasClosed) this.#leave();
    else if (this.#hasEnded) this.#endLines();
  }

  /** What a client claimed before it died counts. */
  #leaveAfterLines(): void {
    this.#hasClosed = true;
    if (this.#lines.length === 0) this.#leave();
  }

  #hear(line: RawLine): Response {
    const isFirst = this.#isFirstLine;
    if ('text' in line && line.text === '') return undefined;
    this.#isFirstLine = false;
    if ('refusal' in line) return this.#conversation.refuse(line.refusal);
    if (isFirst && this.#options.hasPreamble === true && isPreamble(line.text)) return undefined;
    return this.#conversation.handleLine(line.text);
  }

  #send(answer: Response): void {
    if (answer === undefined) return;
    if (this.#answers.length === 0 && typeof answer === 'string') {
      this.#write(answer);
      return;
    }
    this.#answers.push(answer);
    if (this.#answers.length === 1) void this.#sendWaiting();
  }

  /** Never rejects: neither do the answers. */
  async #sendWaiting(): Promise<void> {
    for (let next = this.#answers[0]; next !== undefined; next = this.#answers[0]) {
      const answer = await next;
      this.#write(answer);
      void this.#answers.shift();
    }
    this.#regulate();
    if (this.#hasEnded && this.#lines.length === 0) this.#endOutput();
  }

  #write(answer: string): void {
    if (this.#ends.output.writable) this.#ends.output.write(`${answer}\n`);
  }

  // A client that does not read its answers is not read either: its lines wait on its own side.
  #regulate(): void {
    const { input, output } = this.#ends;
    const isFull =
      output.writableLength > mostUnsentBytes ||
      this.#answers.length > mostUnderWay ||
      this.#lines.length > 0;
    if (isFull === input.isPaused()) return;
    if (isFull) input.pause();
    else input.resume();
  }

  // It says nothing more, and may wait for an answer.
  #finish(): void {
    this.#hasEnded = true;
    if (this.#lines.length === 0) this.#endLines();
  }

  #endLines(): void {
    this.#conversation.end();
    if (this.#answers.length === 0) this.#endOutput();
  }

  #endOutput(): void {
    const { input, output } = this.#ends;
    endWithin(output, { timeoutMs: lastAnswersMs, onEnd: () => input.destroy() });
  }

  /** Nothing that this connection claimed counts, so nothing is reaped because it ends. */
  #hangUp(reason: string): void {
    this.#conversation.disown();
    this.#options.onForeign(reason);
    this.dismiss();
  }

  #leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#answers.length = 0;
    this.#lines.length = 0;
    this.#conversation.end();
    this.#options.onGone();
  }
}

// What somebody asked for, if wrongly, is answered.
function isPreamble(line: string): boolean {
  const parsed = parseRequest(line);
  return parsed.type === 'refusal' && parsed.id === 0;
}
