import { readCreateResponse, type CreateOutcome } from '../capture/create-response';
import type { RemovableKind } from '../core/kinds';

/** A longer answer is handed on as it arrives, except for its end. */
const maxHeldBytes = 64 * 1024;
/** The end of the content, which has the id of a built image. */
const maxContentBytes = 64 * 1024;

/**
 * The answer to a create request, held back until its outcome is known: all of it, or for an image, whose answer
 * reports progress, its last part.
 */
export class HeldAnswer {
  readonly #kind: RemovableKind;
  readonly #status: number;
  readonly #content: Buffer[] = [];
  #contentBytes = 0;
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(kind: RemovableKind, status: number) {
    this.#kind = kind;
    this.#status = status;
  }

  /** Adds bytes of the answer. Returns those that may be handed on. */
  add(bytes: Buffer, content: readonly Buffer[], isEnd: boolean): Buffer {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    this.#keep(content);
    const maxBytes = this.#kind === 'image' ? 0 : maxHeldBytes;
    return !isEnd && this.#heldBytes > maxBytes ? this.takeHeld() : Buffer.alloc(0);
  }

  #keep(content: readonly Buffer[]): void {
    for (const part of content) {
      this.#content.push(part);
      this.#contentBytes += part.length;
    }
    while (this.#contentBytes - (this.#content[0]?.length ?? 0) > maxContentBytes)
      this.#contentBytes -= this.#content.shift()?.length ?? 0;
  }

  /** Returns the bytes held back, and holds them no longer. */
  takeHeld(): Buffer {
    const held = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return held;
  }

  /** Returns the outcome of the request after its whole answer was added; `undefined` when it has none. */
  outcome(): CreateOutcome | undefined {
    return readCreateResponse(this.#kind, this.#status, Buffer.concat(this.#content).toString());
  }
}
