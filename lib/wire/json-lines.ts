import type { Socket } from 'node:net';
import { LineReader } from './line-reader';

/** A connection on which both sides say JSON, a line each. */
export interface JsonLines {
  /** Says it, in its turn; what is said behind the end of the connection is lost. */
  send(value: object): void;
  /** Says what is still to be said, and ends the connection. */
  end(): void;
}

/**
 * @param longestBytes - A longer line is skipped.
 * @param listener.onLine - Told of each whole line, in order.
 * @param listener.onEnd - Told once that no more will come.
 */
export function openJsonLines(
  socket: Socket,
  longestBytes: number,
  listener: { readonly onLine: (text: string) => void; readonly onEnd: () => void },
): JsonLines {
  const reader = new LineReader(longestBytes);
  socket.on('data', (chunk) => {
    for (const line of reader.push(chunk)) {
      // Who sends longer ones, or no text, is none of us, and has no answer to wait for.
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
