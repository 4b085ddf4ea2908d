import { Duplex } from 'node:stream';

const headerBytes = 8;
const stdout = 1;

/**
 * The stdin and stdout of a container without a terminal; its stderr is in its logs only.
 *
 * The stream does not keep the process alive. When this process ends, even by SIGKILL, the container reads
 * the end of its stdin within 10 ms.
 *
 * @see Engine API, ContainerAttach, "Stream format"
 */
export class AttachedStream extends Duplex {
  readonly #socket: Duplex;
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Duplex) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    if ('unref' in socket && typeof socket.unref === 'function') socket.unref();
    socket.on('data', (chunk: Buffer) => this.#readFrames(chunk));
    socket.once('end', () => this.push(null));
    socket.once('error', (error) => this.destroy(error));
    socket.once('close', () => this.destroy());
  }

  #readFrames(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (at + headerBytes <= bytes.length) {
      const end = at + headerBytes + bytes.readUInt32BE(at + 4);
      if (end > bytes.length) break;
      if (bytes[at] === stdout && !this.push(bytes.subarray(at + headerBytes, end))) this.#socket.pause();
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
