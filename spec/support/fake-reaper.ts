import { duplexPair } from 'node:stream';
import { openReaperConnection, type ReaperConnection } from '../../lib/lease/reaper-connection';
import type { Request } from '../../lib/reaper/protocol/message';
import type { Reply } from '../../lib/wire/request-connection';

/** A request without its id. */
export type RequestBody = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never;

/** Returns the reply to a request; `undefined` for none. */
export type Answering = (request: Request) => Omit<Reply, 'id'> | undefined;

/** A reaper in this process, connected by pipes, with failures on demand. */
export interface FakeReaper {
  /** The requests that it has received, one list per connection. */
  readonly heard: readonly (readonly RequestBody[])[];
  /** The connections that the client has ended, by their index in `heard`. */
  readonly ended: readonly number[];
  answering: Answering;
  connect: () => Promise<ReaperConnection>;
  /** Ends the last connection. */
  hangUp: () => void;
  /** Writes `text` to the last connection. */
  say: (text: string) => void;
}

/** Creates a reaper that accepts all requests. */
export function openFakeReaper(): FakeReaper {
  const heard: RequestBody[][] = [];
  const ended: number[] = [];
  let last: ReturnType<typeof duplexPair>[1] | undefined;
  const fake: FakeReaper = {
    heard,
    ended,
    answering: () => ({ ok: true }),
    async connect() {
      const [stream, far] = duplexPair();
      const received: RequestBody[] = [];
      const number = heard.push(received) - 1;
      last = far;
      far.setEncoding('utf8');
      far.on('data', (text: string) => {
        // The client writes whole lines.
        for (const line of text.split('\n').filter((one) => one !== '')) {
          const { id, ...body }: Request = JSON.parse(line);
          received.push(body);
          const answer = fake.answering({ id, ...body });
          if (answer !== undefined) far.write(`${JSON.stringify({ id, ...answer })}\n`);
        }
      });
      far.on('error', () => undefined); // Writes after the end are lost, as on a socket.
      far.once('end', () => {
        ended.push(number);
        far.end();
      });
      return openReaperConnection(stream, `fake reaper ${heard.length}`);
    },
    hangUp: () => void last?.destroy(),
    say: (text) => void last?.write(text),
  };
  return fake;
}
