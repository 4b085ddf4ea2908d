import { connect } from 'node:net';
import { until } from './until';

const patienceMs = 10_000;

/** A connection to a reaper that speaks Ryuk's protocol, byte by byte. */
export interface RyukClient {
  /** Writes one piece after the other; the next goes when the engine's network has taken the one before. */
  send(...pieces: readonly (string | Buffer)[]): Promise<void>;
  /** Sends a line, and waits for its answer. */
  claim(line: string): Promise<string>;
  /** Says that nothing more comes, and waits for the other side to do so too. Resolves to all that was answered. */
  leave(): Promise<string>;
  /** As a client that is killed: RST instead of FIN, where the system knows the difference. */
  reset(): void;
  /** Resolves when the other side has closed, to all that was answered; never rejects. */
  readonly closed: Promise<string>;
}

/** Connects to a port of this machine. One that is closed again at once, or refused, is a client that was answered nothing. */
export function connectRyuk(port: number): RyukClient {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let answered = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => (answered += text));
  // ECONNREFUSED, ECONNRESET, EPIPE: what the answers say is what counts.
  socket.on('error', () => undefined);
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(answered)));

  const send = async (...pieces: readonly (string | Buffer)[]) => {
    for (const piece of pieces) {
      await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
    }
  };
  return {
    closed,
    send,
    async claim(line) {
      const before = answered.length;
      await send(`${line}\n`);
      const isAnswered = () => socket.destroyed || answered.indexOf('\n', before) !== -1;
      if (!(await until(isAnswered, patienceMs))) throw new Error(`send ${line} to port ${port}: no answer`);
      return answered.slice(before).trimEnd();
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
