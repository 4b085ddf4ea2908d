import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Reply } from '../reaper/protocol/message';

interface ReplyListener {
  readonly onReply: (reply: Reply) => void;
  /** Receives each line that is not a reply. */
  readonly onGarbage: (line: string) => void;
}

/** Reports list what could not be removed, so replies may be long. An endless line is truncated. */
const maxReplyLength = 16 * 1_024 * 1_024;

/** Reads replies from `stream`, one per line. */
export function readReplies(stream: Readable, listener: ReplyListener): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = (lines.pop() ?? '').slice(-maxReplyLength);
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
    // SyntaxError: a reply in Ryuk's protocol, or a stray log line.
    return undefined;
  }
}

function isReply(value: unknown): value is Reply {
  if (typeof value !== 'object' || value === null) return false;
  if (!('id' in value) || typeof value.id !== 'number' || !('ok' in value)) return false;
  return value.ok === true || (value.ok === false && 'reason' in value && typeof value.reason === 'string');
}
