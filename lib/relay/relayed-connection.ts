import type { Duplex } from 'node:stream';
import { messageOf } from '../core/errors';
import { formatRefusal, formatUnreachable } from './answer-head';
import { AnswerRelay } from './answer-relay';
import {
  labelCreation,
  maxCreateBodyBytes,
  readCreation,
  readCreationBody,
  type CreationHead,
} from './creation';
import { Exchange, type ResultListener } from './exchange';
import type { Piece } from './message-reader';
import { MessageStream } from './message-stream';
import { RelayPeer } from './relay-peer';
import type { RelayServices } from './relay-services';
import { narrowPrune, readRemoval, type RemovalRequest } from './removal-request';
import { changeHead, expectsContinue, mayHijack, readRequest, type RequestHead } from './request-head';

interface EngineSide {
  readonly engine: RelayPeer;
  readonly answers: AnswerRelay;
  /** Resolves when the engine's connection has closed. */
  readonly relaying: Promise<void>;
}

type RequestPiece = Extract<Piece<RequestHead>, { type: 'head' }>;

/** A body up to this size leaves together with its head. */
const maxWholeBytes = 64 * 1024;

/**
 * One client's connection, with its own connection to the engine.
 *
 * Requests are sent one after another: the next one waits for the answer to the one before, because only the
 * answer shows whether raw bytes follow. Everything but a labelled creation is passed on unchanged, and so is
 * the end of either direction.
 */
export class RelayedConnection {
  /** Resolves when both connections have closed and every creation is settled. */
  readonly closed: Promise<void>;
  readonly #client: RelayPeer;
  readonly #requests: MessageStream<RequestHead>;
  readonly #services: RelayServices;
  #connected: EngineSide | undefined;
  #exchange: Exchange | undefined;
  /** What the client sends is no HTTP/1. */
  #isUnknown = false;
  #isClosing = false;

  constructor(stream: Duplex, services: RelayServices) {
    this.#services = services;
    this.#client = new RelayPeer(stream);
    this.#requests = new MessageStream(this.#client, readRequest);
    this.closed = this.#run();
  }

  /** Closes the connection after the current answer; at once if there is none, or if the answer is a stream. */
  close(): void {
    this.#isClosing = true;
    if (this.#exchange === undefined || this.#exchange.isStreaming) this.#client.finish();
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.#client.destroy();
    this.#connected?.engine.destroy();
  }

  async #run(): Promise<void> {
    const abandoned = this.#client.closed.then(() => this.#abandon());
    await this.#guard(this.#relayRequests());
    this.#connected?.engine.end();
    if (this.#connected === undefined) this.#client.finish();
    await abandoned;
    this.#connected?.engine.finish();
    await this.#connected?.relaying;
  }

  /** The client disconnected: what it asked for may have been done, or not. */
  async #abandon(): Promise<void> {
    await this.#exchange?.settle(false);
    this.#exchange?.release();
  }

  async #guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#services.onError('relay a connection to the engine', error);
      this.destroy();
    }
  }

  get #isRaw(): boolean {
    return this.#isUnknown || this.#connected?.answers.isRaw === true;
  }

  async #relayRequests(): Promise<void> {
    while (!this.#isRaw && !this.#isClosing) {
      const piece = await this.#requests.next();
      if (piece === undefined) return;
      if (piece.type === 'head') await this.#relayRequest(piece);
      else await this.#relayUnknown(piece.bytes);
    }
    if (this.#isClosing) return this.#client.finish();
    for (let bytes = await this.#requests.nextBytes(); bytes; bytes = await this.#requests.nextBytes())
      await this.#connected?.engine.write(bytes);
  }

  async #relayUnknown(bytes: Buffer): Promise<void> {
    const connected = await this.#connect();
    this.#isUnknown = true;
    await connected?.engine.write(bytes);
  }

  async #relayRequest(piece: RequestPiece): Promise<void> {
    const { method, path } = piece.head;
    const onResult = await this.#services.onRequest?.(method, path);
    const creation = readCreation(piece.head);
    if (creation !== undefined) return this.#relayCreation(piece, creation, onResult);
    const { refusal } = this.#services;
    const removal = readRemoval(method, path);
    if (removal !== undefined && refusal !== undefined) {
      const asked = await this.#askFor(() => refusal(removal));
      if (asked === 'failed') return undefined;
      if (asked.value !== undefined) return this.#refuse(403, asked.value);
    }
    const narrowed = removal === undefined ? undefined : this.#narrowed(removal);
    const head = changeHead(piece.bytes, { path: narrowed });
    const isWhole = !piece.isEnd && !expectsContinue(piece.head) && isShort(piece);
    const body = isWhole ? await this.#requests.collectBody(maxWholeBytes) : undefined;
    const isEnd = body?.isEnd ?? piece.isEnd;
    return this.#send(this.#openExchange(piece, onResult), [head, ...(body?.bytes ?? [])], isEnd);
  }

  async #relayCreation(
    piece: RequestPiece,
    creation: CreationHead,
    onResult: ResultListener | undefined,
  ): Promise<void> {
    const { head } = piece;
    const { onCreation } = this.#services;
    const isContinued = creation.needsBody && expectsContinue(head);
    if (isContinued) await this.#client.write(Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'));
    const isRead = creation.needsBody && !piece.isEnd;
    const body = isRead
      ? await this.#requests.collectBody(maxCreateBodyBytes)
      : { ...noBody, isEnd: piece.isEnd };
    const read = readCreationBody(creation, body);
    const asked = read === undefined ? undefined : await this.#askFor(() => onCreation(read));
    if (asked === 'failed') return undefined;
    const plan = asked?.value;
    const sent =
      read === undefined
        ? { head: changeHead(piece.bytes, { isContinued }) }
        : labelCreation(piece.bytes, read, { labels: plan?.labels, isContinued });
    const planned = plan && { kind: creation.meaning.kind, plan };
    const exchange = this.#openExchange(piece, onResult, planned);
    return this.#send(exchange, [sent.head, ...(sent.body ? [sent.body] : body.bytes)], body.isEnd);
  }

  #openExchange(
    { head }: RequestPiece,
    onResult: ResultListener | undefined,
    creation?: ConstructorParameters<typeof Exchange>[2],
  ): Exchange {
    const what = `record the outcome of ${head.method} ${head.path.split('?')[0]}`;
    const onError = (error: unknown): void => this.#services.onError(what, error);
    return new Exchange(head, { account: this.#services.account, onError, onResult }, creation);
  }

  /** Sends a request, and then the rest of its body. Resolves when the next request may follow. */
  async #send(exchange: Exchange, start: readonly Buffer[], isWhole: boolean): Promise<void> {
    const connected = await this.#connect();
    if (connected === undefined || this.#client.isClosed) return exchange.cancel();
    const { engine, answers } = connected;
    this.#exchange = exchange;
    answers.expect(exchange);
    // One write: an engine that hijacks the connection takes a body that arrives later for raw bytes.
    await engine.write(Buffer.concat(start));
    for (let isEnd = isWhole; !isEnd;) {
      const piece = await this.#requests.next();
      if (piece === undefined) break;
      if (piece.type === 'unknown') return this.#relayUnknown(piece.bytes);
      await engine.write(piece.bytes);
      isEnd = piece.isEnd;
    }
    const passEnd = (): void => {
      if (this.#requests.hasEnded) engine.end();
    };
    this.#client.onEnd = passEnd;
    passEnd();
    await exchange.answered;
    this.#client.onEnd = () => undefined;
    this.#exchange = undefined;
  }

  async #connect(): Promise<EngineSide | undefined> {
    if (this.#connected !== undefined) return this.#connected;
    const { connect, onError } = this.#services;
    let stream: Duplex;
    try {
      stream = await connect();
    } catch (error) {
      onError('connect to the engine', error);
      await this.#refuseWith(formatUnreachable(error));
      return undefined;
    }
    const engine = new RelayPeer(stream);
    const answers = new AnswerRelay(engine, this.#client);
    this.#connected = { engine, answers, relaying: this.#guard(answers.relay()) };
    return this.#connected;
  }

  #narrowed({ path, meaning }: RemovalRequest): string | undefined {
    const { pruneLabel } = this.#services;
    const isNarrowed = meaning.type === 'prune' && meaning.kind !== undefined && pruneLabel !== undefined;
    return isNarrowed ? narrowPrune(path, pruneLabel) : undefined;
  }

  /** Asks the owner of the relay. When that fails, the client gets the reason. */
  async #askFor<T>(ask: () => Promise<T>): Promise<{ readonly value: T } | 'failed'> {
    try {
      return { value: await ask() };
    } catch (error) {
      await this.#refuse(500, messageOf(error));
      return 'failed';
    }
  }

  #refuse(status: number, message: string): Promise<void> {
    return this.#refuseWith(formatRefusal(status, message));
  }

  async #refuseWith(answer: Buffer): Promise<void> {
    await this.#client.write(answer);
    this.#client.end();
    // Without reading on, the client could lose the answer.
    while ((await this.#requests.nextBytes()) !== undefined);
  }
}

const noBody = { bytes: [], content: [], extent: 'whole' } as const;

function isShort({ head, framing }: RequestPiece): boolean {
  return typeof framing === 'number' ? framing <= maxWholeBytes : mayHijack(head);
}
