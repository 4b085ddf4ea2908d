import { formatUnreachable, isInterim, readAnswer, type AnswerHead } from './answer-head';
import type { Exchange } from './exchange';
import type { HeldAnswer } from './held-answer';
import type { Framing } from './message-head';
import type { Piece } from './message-reader';
import { MessageStream } from './message-stream';
import type { RelayPeer } from './relay-peer';

/** Hands the answers of an engine on to its client, as they arrive. */
export class AnswerRelay {
  readonly #engine: RelayPeer;
  readonly #client: RelayPeer;
  readonly #answers: MessageStream<AnswerHead>;
  #exchange: Exchange | undefined;
  #held: HeldAnswer | undefined;
  #framing: Framing | undefined;
  #isRaw = false;
  /** Whether the engine has sent nothing. */
  #isSilent = true;

  constructor(engine: RelayPeer, client: RelayPeer) {
    this.#engine = engine;
    this.#client = client;
    this.#answers = new MessageStream(engine, (head) => readAnswer(head, this.#exchange?.method));
  }

  /** Whether raw bytes follow in both directions: attach, exec, sessions. */
  get isRaw(): boolean {
    return this.#isRaw;
  }

  /** The next answer is that to the request of `exchange`. */
  expect(exchange: Exchange): void {
    this.#exchange = exchange;
  }

  /** Hands on answers until the engine sends no more. Resolves when its connection has closed. */
  async relay(): Promise<void> {
    for (;;) {
      const piece = await this.#answers.next();
      if (piece === undefined) break;
      this.#isSilent = false;
      await this.#take(piece);
    }
    const isComplete = this.#framing === 'until-close';
    if (this.#exchange !== undefined) await this.#end(this.#exchange, isComplete);
    this.#client.end();
    await this.#engine.closed;
    this.#client.finish();
  }

  async #take(piece: Piece<AnswerHead>): Promise<void> {
    const exchange = this.#exchange;
    if (piece.type === 'unknown') {
      this.#becomeRaw();
      return this.#handOn(piece.bytes);
    }
    if (piece.type === 'head') {
      if (isInterim(piece.head)) return this.#client.write(piece.bytes);
      this.#framing = piece.framing;
      this.#held = exchange?.begin(piece.head.status);
      if (piece.framing === 'until-close') this.#becomeRaw();
    }
    const content = piece.type === 'body' ? piece.data : [];
    await this.#handOn(piece.bytes, content, piece.isEnd);
    if (piece.isEnd && exchange !== undefined) await this.#end(exchange, true);
  }

  #becomeRaw(): void {
    this.#isRaw = true;
    this.#exchange?.release();
  }

  async #handOn(bytes: Buffer, content: readonly Buffer[] = [], isEnd = false): Promise<void> {
    await this.#client.write(this.#held === undefined ? bytes : this.#held.add(bytes, content, isEnd));
  }

  async #end(exchange: Exchange, isComplete: boolean): Promise<void> {
    await exchange.settle(isComplete);
    const held = this.#held?.takeHeld() ?? this.#substitute();
    this.#held = undefined;
    this.#exchange = undefined;
    this.#framing = undefined;
    if (held !== undefined) await this.#client.write(held);
    exchange.release();
  }

  /** Returns an answer of the relay if the connection failed before the engine sent any. */
  #substitute(): Buffer | undefined {
    const { failure } = this.#engine;
    return this.#isSilent && failure !== undefined ? formatUnreachable(failure) : undefined;
  }
}
