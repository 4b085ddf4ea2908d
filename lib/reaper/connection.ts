import type { Readable, Writable } from 'node:stream';
import { Conversation, type ConversationOptions, type SayBack } from './conversation';
import { isHttpLine, isTlsHandshake } from './http-line';
import { LineReader, type RawLine } from './line-reader';
import { parseRequest } from './parse-request';

/** The two ends of one line to a client: a socket is both. */
export interface Ends {
  readonly input: Readable;
  readonly output: Writable;
}

export interface ConnectionOptions extends ConversationOptions {
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

/** One client: its lines heard as they come, its answers sent in their order. */
export class Connection {
  readonly #ends: Ends;
  readonly #options: ConnectionOptions;
  readonly #reader = new LineReader();
  readonly #conversation: Conversation;
  readonly #answers: (string | Promise<string>)[] = [];
  #isFirstLine = true;
  #isFirstChunk = true;
  #hasEnded = false;
  #isGone = false;

  constructor(ends: Ends, options: ConnectionOptions) {
    this.#ends = ends;
    this.#options = options;
    this.#conversation = new Conversation(options);
    const { input, output } = ends;
    input.on('data', (chunk: Buffer) => this.#receive(chunk));
    input.once('end', () => this.#finish());
    input.once('close', () => this.#leave());
    // ECONNRESET: the other side is gone.
    input.on('error', () => this.#leave());
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
    else output.end(`NACK ${reason}\n`, () => input.destroy());
  }

  #receive(chunk: Buffer): void {
    if (this.#isFirstChunk && isTlsHandshake(chunk[0])) this.#hangUp('it speaks TLS');
    this.#isFirstChunk = false;
    for (const line of this.#reader.push(chunk)) {
      if (this.#isGone) return;
      if ('text' in line && isHttpLine(line.text)) {
        this.#hangUp('it speaks HTTP');
        return;
      }
      this.#send(this.#hear(line));
    }
    this.#regulate();
  }

  #hear(line: RawLine): SayBack {
    const isFirst = this.#isFirstLine;
    if ('text' in line && line.text === '') return undefined;
    this.#isFirstLine = false;
    if ('refusal' in line) return this.#conversation.refuse(line.refusal);
    if (isFirst && this.#options.hasPreamble === true && isPreamble(line.text)) return undefined;
    return this.#conversation.hear(line.text);
  }

  #send(answer: SayBack): void {
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
    if (this.#hasEnded) this.#endOutput();
  }

  #write(answer: string): void {
    if (this.#ends.output.writable) this.#ends.output.write(`${answer}\n`);
  }

  // A client that does not read its answers is not read either: its lines wait on its own side.
  #regulate(): void {
    const { input, output } = this.#ends;
    const isFull = output.writableLength > mostUnsentBytes || this.#answers.length > mostUnderWay;
    if (isFull === input.isPaused()) return;
    if (isFull) input.pause();
    else input.resume();
  }

  // It says nothing more, and may wait for an answer.
  #finish(): void {
    this.#hasEnded = true;
    this.#conversation.end();
    if (this.#answers.length === 0) this.#endOutput();
  }

  #endOutput(): void {
    this.#ends.output.end();
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
    this.#conversation.end();
    this.#options.onGone();
  }
}

// What somebody asked for, if wrongly, is answered.
function isPreamble(line: string): boolean {
  const parsed = parseRequest(line);
  return parsed.type === 'refusal' && parsed.id === 0;
}
