import type { Duplex } from 'node:stream';
import { messageOf } from '../core/errors';
import { logDebug } from '../core/print';
import type { Reply, Request } from '../reaper/protocol/message';
import { readReplies } from './read-replies';

/** A connection to a reaper. */
export interface ReaperConnection {
  readonly stream: Duplex;
  /** A description of the reaper: `container castoff-reaper-1f2e`. */
  readonly reaper: string;
}

/** The sending side of a connection to a reaper. */
export interface RequestStream {
  /** Sends a request; does nothing once the connection is closed. */
  send(request: Request): void;
  /** Flushes pending requests and closes the connection; waits 2 s for the reaper to close its side. */
  end(): void;
  /** Closes the connection at once. */
  destroy(): void;
}

/**
 * Opens a stream of requests and replies on a connection. `onEnd` runs once, when the connection has closed.
 */
export function openRequestStream(
  { stream, reaper }: ReaperConnection,
  listener: { readonly onReply: (reply: Reply) => void; readonly onEnd: (reason: string) => void },
): RequestStream {
  let reason = 'connection closed';
  readReplies(stream, {
    onReply: listener.onReply,
    onGarbage: (line) => logDebug(`${reaper} sent: ${line}`),
  });
  // EPIPE, ECONNRESET: `close` follows.
  stream.on('error', (error) => (reason = messageOf(error)));
  stream.once('end', () => stream.destroy());
  stream.once('close', () => {
    logDebug(`the connection to ${reaper} ended: ${reason}`);
    listener.onEnd(reason);
  });
  // Ends a partial line: Podman sends the body of the attach request as the first bytes of stdin.
  stream.write('\n');
  return {
    send: (request) => void stream.write(`${JSON.stringify(request)}\n`),
    end: () => {
      stream.end();
      setTimeout(() => stream.destroy(), 2_000).unref();
    },
    destroy: () => void stream.destroy(),
  };
}
