import type { Duplex } from 'node:stream';
import { messageOf } from '../core/errors';
import type { Reply, Request } from '../reaper/protocol/message';
import { readReplies } from './read-replies';
import { note } from './warnings';

/** One connection to a reaper. */
export interface ReaperConnection {
  readonly stream: Duplex;
  /** For people: `container castoff-reaper-1f2e`. */
  readonly reaper: string;
}

export interface RequestStream {
  send(request: Request): void;
  /** Sends what is on its way, and closes; a reaper that does not close its side is not waited for. */
  end(): void;
  /** Closes at once. */
  destroy(): void;
}

/** Talks to a reaper; what is said behind its end is lost, and `onEnd` tells of the end once. */
export function converse(
  { stream, reaper }: ReaperConnection,
  listener: { readonly onReply: (reply: Reply) => void; readonly onEnd: (why: string) => void },
): RequestStream {
  let why = 'it closed the connection';
  readReplies(stream, {
    onReply: listener.onReply,
    onGarbage: (line) => note(`${reaper} said: ${line}`),
  });
  // EPIPE, ECONNRESET: `close` follows.
  stream.on('error', (error) => (why = messageOf(error)));
  stream.once('end', () => stream.destroy());
  stream.once('close', () => {
    note(`the connection to ${reaper} has ended: ${why}`);
    listener.onEnd(why);
  });
  // What stands before it on the line is none of ours: Podman's attach hands over the body of its own call.
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
