import { duplexPair } from 'node:stream';
import type { ReaperConnection } from '../../lib/lease/request-stream';
import type { Ask } from '../../lib/lease/client-state';
import type { Reply, Request } from '../../lib/reaper/protocol/message';

/** The answer to a request; `undefined`: none. */
export type Answering = (request: Request) => Omit<Reply, 'id'> | undefined;

/** A reaper at the other end of pipes in this process, for what a real one does not do on demand. */
export interface FakeReaper {
  /** What it has been asked, a list for every connection. */
  readonly heard: readonly (readonly Ask[])[];
  /** The connections that the client has ended, by their place in `heard`. */
  readonly ended: readonly number[];
  answering: Answering;
  connect: () => Promise<ReaperConnection>;
  /** Ends the last connection. */
  hangUp: () => void;
  /** Writes `text` to the last connection. */
  say: (text: string) => void;
}

export function openFakeReaper(): FakeReaper {
  const heard: Ask[][] = [];
  const ended: number[] = [];
  let last: ReturnType<typeof duplexPair>[1] | undefined;
  const fake: FakeReaper = {
    heard,
    ended,
    answering: () => ({ ok: true }),
    async connect() {
      const [stream, far] = duplexPair();
      const asked: Ask[] = [];
      const number = heard.push(asked) - 1;
      last = far;
      far.setEncoding('utf8');
      far.on('data', (text: string) => {
        // The client writes whole lines.
        for (const line of text.split('\n').filter((one) => one !== '')) {
          const { id, ...ask }: Request = JSON.parse(line);
          asked.push(ask);
          const answer = fake.answering({ id, ...ask });
          if (answer !== undefined) far.write(`${JSON.stringify({ id, ...answer })}\n`);
        }
      });
      far.on('error', () => undefined); // What is written behind the end is lost, as it would be on a socket.
      far.once('end', () => {
        ended.push(number);
        far.end();
      });
      return { stream, reaper: `fake reaper ${heard.length}` };
    },
    hangUp: () => void last?.destroy(),
    say: (text) => void last?.write(text),
  };
  return fake;
}
