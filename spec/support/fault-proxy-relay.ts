import { connect, type Socket } from 'node:net';
import type { Call, CallLog } from './fault-calls';
import { bodyOfAnswer, bodyOfRequest, isInterim, statusOf, writeAnswer } from './fault-proxy-message';
import { MessageReader, type Head, type Piece } from './fault-proxy-reader';
import type { FaultRules } from './fault-rules';

/** The upstream of a connection, the rules for its calls, and their record. */
export interface RelayTo {
  readonly upstream: string;
  readonly rules: FaultRules;
  readonly log: CallLog;
}

/** A call and its progress; the next one on the connection waits until both directions have finished. */
interface Exchange {
  readonly call: Call;
  requestEnded: boolean;
  answerEnded: boolean;
}

/**
 * One client's connection, with its own connection to the engine. Bytes, and the end of either direction, are
 * passed on unchanged; they are parsed only to find where a call starts and its response ends.
 */
export class Relay {
  readonly #client: Socket;
  readonly #to: RelayTo;
  readonly #requests = new MessageReader(bodyOfRequest);
  readonly #answers = new MessageReader((head) => bodyOfAnswer(head, this.#exchange?.call.method));
  /** Bytes from the client that are held back from the engine. */
  #held: Buffer[] = [];
  #engine: Socket | undefined;
  #exchange: Exchange | undefined;
  /** Passes on the delayed or held call. */
  #resume: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #clientEnded = false;
  /** Both directions are raw bytes from here on: attach, exec, build sessions. */
  #isTunnel = false;

  constructor(client: Socket, to: RelayTo) {
    this.#client = client;
    this.#to = to;
    client.on('data', (bytes) => {
      this.#held.push(bytes);
      this.#advance();
    });
    client.on('end', () => {
      this.#clientEnded = true;
      // Half closed, or disconnected? A unix socket without a peer refuses even an empty write: EPIPE, then
      // `close`.
      if (client.writable) client.write(Buffer.alloc(0));
      this.#advance();
    });
    // A `close` follows every error.
    client.on('error', () => {});
    client.on('close', () => {
      clearTimeout(this.#timer);
      this.#resume = undefined;
      this.#note({ ended: 'client-left' });
      this.#engine?.destroySoon();
    });
  }

  /** Closes both connections at once, in any state. */
  reset(): void {
    this.#held = [];
    this.#note({ ended: 'faulted' });
    this.#client.destroy();
    this.#engine?.destroy();
  }

  get #fault() {
    return this.#exchange?.call.fault;
  }

  get #mustWait(): boolean {
    if (this.#resume) return true;
    return !this.#isTunnel && this.#exchange?.requestEnded === true && !this.#exchange.answerEnded;
  }

  #advance(): void {
    while (!this.#mustWait) {
      const bytes = this.#held.shift();
      if (!bytes) break;
      this.#takeFromClient(bytes);
    }
    if (!this.#clientEnded || this.#held.length > 0 || this.#resume || this.#fault?.type === 'swallow')
      return;
    if (this.#engine) this.#engine.end();
    else this.#client.end();
  }

  #takeFromClient(bytes: Buffer): void {
    if (this.#isTunnel) return this.#ask(bytes);
    const piece = this.#requests.take(bytes);
    if (piece.rest.length > 0) this.#held.unshift(piece.rest);
    if (piece.start) this.#beginCall(piece, piece.start.head);
    else this.#passRequest(piece);
  }

  #beginCall(piece: Piece, head: Head): void {
    const [method = '', path = ''] = head.line.split(' ');
    const fault = this.#to.rules.decide({ method, path });
    this.#exchange = {
      call: this.#to.log.begin({ method, path }, fault),
      requestEnded: false,
      answerEnded: false,
    };
    if (fault?.type === 'reset') return this.reset();
    if (fault?.type === 'answer') {
      this.#client.write(writeAnswer(fault, method));
      this.#endAnswer(this.#exchange, fault.status);
    }
    if (fault?.type !== 'delay' && fault?.type !== 'hold') return this.#passRequest(piece);
    const resume = (): void => {
      // Unless the client has disconnected.
      if (this.#resume !== resume) return;
      this.#resume = undefined;
      this.#passRequest(piece);
      this.#advance();
    };
    this.#resume = resume;
    if (fault.type === 'hold') void fault.until.then(resume);
    else this.#timer = setTimeout(resume, fault.ms);
  }

  #passRequest(piece: Piece): void {
    if (this.#fault?.type !== 'answer' && this.#fault?.type !== 'swallow') this.#ask(piece.bytes);
    if (piece.ended && this.#exchange) this.#exchange.requestEnded = true;
  }

  #ask(bytes: Buffer): void {
    this.#engine ??= this.#connect();
    pass(bytes, this.#client, this.#engine);
  }

  #connect(): Socket {
    const engine = connect({ path: this.#to.upstream, allowHalfOpen: true });
    engine.on('data', (bytes) => {
      let rest: Buffer = bytes;
      while (rest.length > 0) rest = this.#takeFromEngine(rest);
    });
    engine.on('end', () => {
      if (this.#fault?.type === 'lose-answer') return this.reset();
      this.#note({ ended: this.#isTunnel ? 'answered' : 'engine-left' });
      this.#client.end();
    });
    // A `close` follows every error.
    engine.on('error', () => {});
    engine.on('close', () => {
      this.#note({ ended: 'engine-left' });
      this.#client.destroySoon();
    });
    return engine;
  }

  #takeFromEngine(bytes: Buffer): Buffer {
    if (this.#isTunnel || !this.#exchange) {
      this.#answer(bytes);
      return Buffer.alloc(0);
    }
    const piece = this.#answers.take(bytes);
    if (piece.start && isInterim(piece.start.head)) this.#answer(piece.bytes);
    else this.#passAnswer(piece, this.#exchange);
    return piece.rest;
  }

  #passAnswer(piece: Piece, exchange: Exchange): void {
    if (piece.start) this.#note({ status: statusOf(piece.start.head) });
    if (this.#fault?.type === 'lose-answer') return piece.ended ? this.reset() : undefined;
    if (this.#fault?.type === 'cut-answer') {
      if (piece.start) this.#client.write(piece.bytes, () => this.reset());
      return;
    }
    this.#answer(piece.bytes);
    this.#isTunnel = piece.start?.body === 'everything';
    if (piece.ended) this.#endAnswer(exchange);
    this.#advance();
  }

  #answer(bytes: Buffer): void {
    if (this.#engine) pass(bytes, this.#engine, this.#client);
  }

  #endAnswer(exchange: Exchange, status?: number): void {
    exchange.answerEnded = true;
    this.#note({ ...(status !== undefined && { status }), ended: 'answered' });
  }

  #note(news: Partial<Call>): void {
    if (this.#exchange) this.#to.log.change(this.#exchange.call, news);
  }
}

/** Writes, and pauses the source until the bytes have been sent. */
function pass(bytes: Buffer, from: Socket, to: Socket): void {
  if (bytes.length === 0 || !to.writable || to.write(bytes)) return;
  from.pause();
  to.once('drain', () => from.resume());
}
