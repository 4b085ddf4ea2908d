import { connect } from 'node:net';
import { until } from './until';

const defaultTimeoutMs = 10_000;

/** A connection to a reaper that speaks Ryuk's protocol, byte by byte. */
export interface RyukClient {
  /** Writes the pieces, each when the previous one has been flushed. */
  send(...pieces: readonly (string | Buffer)[]): Promise<void>;
  /** Sends a line; resolves to the response. */
  claim(line: string): Promise<string>;
  /** Ends the output, and waits for the reaper to close. Resolves to all responses. */
  leave(): Promise<string>;
  /** Disconnects like a killed client: with RST instead of FIN, where the system supports it. */
  reset(): void;
  /** Resolves to all responses when the reaper has closed; never rejects. */
  readonly closed: Promise<string>;
}

/**
 * Connects to a local port. If the connection is refused, or closed at once, the client gets no responses.
 */
export function connectRyuk(port: number): RyukClient {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let received = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => (received += text));
  // ECONNREFUSED, ECONNRESET, EPIPE: specs check the responses.
  socket.on('error', () => undefined);
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(received)));

  const send = async (...pieces: readonly (string | Buffer)[]) => {
    for (const piece of pieces) {
      await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
    }
  };
  return {
    closed,
    send,
    async claim(line) {
      const before = received.length;
      await send(`${line}\n`);
      const hasResponse = () => socket.destroyed || received.indexOf('\n', before) !== -1;
      if (!(await until(hasResponse, defaultTimeoutMs)))
        throw new Error(`send ${line} to port ${port}: no response`);
      return received.slice(before).trimEnd();
    },
    async leave() {
      socket.end();
      return closed;
    },
    reset() {
      socket.resetAndDestroy();
    },
  };
}
