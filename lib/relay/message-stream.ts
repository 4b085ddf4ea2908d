import type { Head } from './message-head';
import { MessageReader, type Message, type Piece } from './message-reader';
import type { RelayPeer } from './relay-peer';

/** The start of a body. */
interface CollectedBody {
  readonly bytes: readonly Buffer[];
  /** Its content, without the framing of chunks. */
  readonly content: readonly Buffer[];
  /** `cut`: the peer sent no more of it, or it is malformed. */
  readonly extent: 'whole' | 'too-long' | 'cut';
  /** Whether nothing of it follows. */
  readonly isEnd: boolean;
}

/** The messages that a peer sends. */
export class MessageStream<H> {
  readonly #peer: RelayPeer;
  readonly #reader: MessageReader<H>;

  /** @param read - As for {@link MessageReader}. */
  constructor(peer: RelayPeer, read: (head: Head) => Message<H> | undefined) {
    this.#peer = peer;
    this.#reader = new MessageReader(read);
  }

  /** Resolves to the next piece, or to `undefined` when the peer sends no more; an incomplete head is unknown. */
  async next(): Promise<Piece<H> | undefined> {
    for (;;) {
      const piece = this.#reader.next();
      if (piece !== undefined) return piece;
      const chunk = await this.#peer.read();
      if (chunk !== undefined) this.#reader.push(chunk);
      else {
        const bytes = this.#reader.takeRest();
        return bytes.length === 0 ? undefined : { type: 'unknown', bytes };
      }
    }
  }

  /** Resolves to the next bytes without parsing them. */
  async nextBytes(): Promise<Buffer | undefined> {
    const bytes = this.#reader.takeRest();
    return bytes.length === 0 ? this.#peer.read() : bytes;
  }

  /** Whether the peer has sent all its bytes, and all were returned. */
  get hasEnded(): boolean {
    return this.#peer.hasEnded && this.#reader.isEmpty;
  }

  /** Reads the body that follows, until more than `maxBytes` have arrived or the peer sends no more. */
  async collectBody(maxBytes: number): Promise<CollectedBody> {
    const bytes: Buffer[] = [];
    const content: Buffer[] = [];
    for (let length = 0, isEnd = false; ;) {
      if (length > maxBytes) return { bytes, content, extent: 'too-long', isEnd };
      if (isEnd) return { bytes, content, extent: 'whole', isEnd };
      const piece = await this.next();
      if (piece !== undefined) bytes.push(piece.bytes);
      if (piece?.type !== 'body') return { bytes, content, extent: 'cut', isEnd };
      content.push(...piece.data);
      length += piece.bytes.length;
      ({ isEnd } = piece);
    }
  }
}
