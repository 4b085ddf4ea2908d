import type { Socket } from 'node:net';
import { LineReader } from './line-reader';

/** A connection that carries one JSON value a line, in both directions. */
export interface JsonLines {
  /** Sends `value`. Drops it when the connection has ended. */
  send(value: object): void;
  /** Ends the connection once everything sent has been written. */
  end(): void;
}

/**
 * Reads and writes JSON lines on `socket`.
 *
 * @param maxLineBytes - Longer lines are skipped.
 * @param listener.onLine - Called with each complete line, in order.
 * @param listener.onEnd - Called once, when the connection has closed.
 */
export function openJsonLines(
  socket: Socket,
  maxLineBytes: number,
  listener: { readonly onLine: (text: string) => void; readonly onEnd: () => void },
): JsonLines {
  const reader = new LineReader(maxLineBytes);
  socket.on('data', (chunk) => {
    for (const line of reader.push(chunk)) {
      // A line that is too long, or not text, does not come from castoff: it needs no response.
      if ('text' in line) listener.onLine(line.text);
    }
  });
  // EPIPE, ECONNRESET: `close` follows.
  socket.on('error', () => undefined);
  socket.once('close', () => listener.onEnd());
  return {
    send: (value) => void (socket.writable && socket.write(`${JSON.stringify(value)}\n`)),
    end: () => void socket.end(),
  };
}
