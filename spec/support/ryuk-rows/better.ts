import type { RyukRow } from '../ryuk-stage';
import { until } from '../until';

/** What stands for no claim: none of it may be taken for one. */
const refused = [
  'garbage',
  'label=',
  'label==value',
  'label=key',
  'label=key=',
  'status=running',
  'name=castoff',
  'status=running&label=a=b',
  'label=%zz',
  'label=a=b;label=c=d',
  '\u0000\u0001\ufffd',
];

/** No Node is quicker than that; one that listens already answers within a few milliseconds. */
const nodeIsUpAfterMs = 25;

/** Where Ryuk's users suffer: what only the reaper of castoff does. */
export const betterRows: readonly RyukRow[] = [
  {
    behaviour: 'says in both spellings that it listens',
    original: 'spells it as its version does; testcontainers for Python still looks for the old one',
    async observe({ start }) {
      return (await start()).says(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d Started!$/m);
    },
    expected: true,
  },
  {
    behaviour: 'listens before its Node is up: who comes then waits for the answer, and is not lost',
    original: 'is up some milliseconds after its container, too late for 2 in 10 of Python’s clients',
    isOfImage: true,
    async observe({ launch, line }) {
      const ryuk = await launch();
      let [answer, waitedMs] = ['', 0];
      // Until its process runs at all, the engine's proxy takes the connection, and closes it without an answer.
      const isAnswered = async () => {
        const cameAtMs = performance.now();
        answer = await ryuk.connect().claim(line);
        waitedMs = performance.now() - cameAtMs;
        return answer !== '';
      };
      await until(isAnswered, 5_000);
      return { answer, hasWaited: waitedMs >= nodeIsUpAfterMs };
    },
    expected: { answer: 'ACK', hasWaited: true },
  },
  {
    behaviour: 'answers what is no claim with a reason, and goes on listening',
    original: 'answers ACK, and takes all but what does not parse for a filter',
    isInProtocolSpec: true,
    async observe({ start, line: good }) {
      const client = (await start()).connect();
      const answers: Record<string, string> = {};
      for (const line of refused) {
        answers[line] = (await client.claim(line)).replace(/(?<=^NACK ).+$/, '(reason)');
      }
      return { ...answers, good: await client.claim(good) };
    },
    expected: { ...Object.fromEntries(refused.map((line) => [line, 'NACK (reason)'])), good: 'ACK' },
  },
  {
    behaviour:
      'removes nothing for a filter that is not about labels, not even where it answers as Ryuk does',
    original: 'removes what fits the filter, whoever owns it (moby-ryuk#32)',
    isInProtocolSpec: true,
    async observe({ start, line, things }) {
      const somebodys = await things.volume('somebody’s volume', {});
      await things.container('somebody’s container', {});
      const ryuk = await start({ RYUK_COMPAT: 'strict' });
      const client = ryuk.connect();
      const answers = [
        await client.claim(`name=${somebodys}`),
        await client.claim('status=running'),
        await client.claim('garbage'),
        await client.claim(line),
      ];
      await client.leave();
      return { answers, exit: await ryuk.ended, left: await things.left() };
    },
    expected: {
      answers: ['ACK', 'ACK', 'ACK', 'ACK'],
      exit: 0,
      left: ['somebody’s volume', 'somebody’s container'],
    },
  },
  {
    behaviour: 'removes what one client has left while others are connected',
    original: 'removes nothing before the last one has left',
    async observe({ start, session, things }) {
      await things.container('of the one', { 'example.part': `${session}-one` });
      await things.container('of the other', { 'example.part': `${session}-other` });
      await things.container('of both', { 'example.part': `${session}-both` });
      const ryuk = await start();
      const [one, other] = [ryuk.connect(), ryuk.connect()];
      await one.claim(`label=example.part=${session}-one`);
      await one.claim(`label=example.part=${session}-both`);
      await other.claim(`label=example.part=${session}-other`);
      await other.claim(`label=example.part=${session}-both`);
      await one.leave();
      await until(async () => (await things.left()).length < 3, 5_000, 50);
      const held = await things.left();
      await other.leave();
      return { held, exit: await ryuk.ended, left: await things.left() };
    },
    expected: { held: ['of the other', 'of both'], exit: 0, left: [] },
  },
  {
    behaviour: 'takes no connection for a client that has claimed nothing',
    original: 'counts the probe, waits the reconnection timeout for it, and ends',
    async observe({ start, line, labels, things }) {
      await things.container('own', labels);
      const ryuk = await start();
      await ryuk.connect().leave();
      const garbage = ryuk.connect();
      await garbage.claim('garbage');
      await garbage.leave();
      const hasEndedEarly = await until(ryuk.hasEnded, 1_000);
      const client = ryuk.connect();
      const answer = await client.claim(line);
      await client.leave();
      return { hasEndedEarly, answer, exit: await ryuk.ended, left: await things.left() };
    },
    expected: { hasEndedEarly: false, answer: 'ACK', exit: 0, left: [] },
  },
  {
    behaviour: 'does not wait on SIGTERM for a connection that has claimed nothing',
    original: 'waits for it, up to the shutdown timeout of ten minutes',
    async observe({ start }) {
      const ryuk = await start();
      const silent = ryuk.connect();
      await silent.send('\n');
      await ryuk.signal('SIGTERM');
      const inTime = await until(ryuk.hasEnded, 5_000);
      silent.reset();
      return inTime;
    },
    expected: true,
  },
];
