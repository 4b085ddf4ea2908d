import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Reply } from '../reaper/protocol/message';

interface ReplyListener {
  readonly onReply: (reply: Reply) => void;
  /** A line that is no reply. */
  readonly onGarbage: (line: string) => void;
}

/** A report names what could not be removed, so that it may be long; what goes on without an end is cut. */
const longestReply = 16 * 1_024 * 1_024;

/** Reads the replies that come on `stream`, one a line. */
export function readReplies(stream: Readable, listener: ReplyListener): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = (lines.pop() ?? '').slice(-longestReply);
    for (const line of lines) {
      const reply = parseReply(line);
      if (reply !== undefined) listener.onReply(reply);
      else if (line.trim() !== '') listener.onGarbage(line);
    }
  });
}

function parseReply(line: string): Reply | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isReply(value) ? value : undefined;
  } catch {
    // SyntaxError: an answer to a line of Ryuk's, or a log line that went astray.
    return undefined;
  }
}

function isReply(value: unknown): value is Reply {
  if (typeof value !== 'object' || value === null) return false;
  if (!('id' in value) || typeof value.id !== 'number' || !('ok' in value)) return false;
  return value.ok === true || (value.ok === false && 'reason' in value && typeof value.reason === 'string');
}
