import { holdProgram } from '../held-program';
import type { RyukRow } from '../ryuk-stage';
import { until } from '../until';

/** Lines that are no valid claims. */
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

/** Improvements over Ryuk. */
export const betterRows: readonly RyukRow[] = [
  {
    behaviour: 'logs in both formats that it listens',
    original: 'logs the format of its version; testcontainers for Python still waits for the old one',
    async observe({ start }) {
      return (await start()).says(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d Started!$/m);
    },
    expected: true,
  },
  {
    behaviour: 'listens before Node.js is up, so that early clients wait for a response',
    original:
      'listens some milliseconds after its container has started, too late for 2 in 10 of Python’s clients',
    isOfImage: true,
    async observe({ launch, line }) {
      await using held = await holdProgram();
      const ryuk = await launch({}, { binds: [held.bind] });
      await held.untilAsked();
      const answer = ryuk.connect().claim(line);
      const logBefore = ryuk.log();
      await held.release();
      return { logBefore, answer: await answer };
    },
    expected: { logBefore: '', answer: 'ACK' },
  },
  {
    behaviour: 'rejects invalid lines with a reason, and continues',
    original: 'responds ACK, and uses every line that parses as a filter',
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
    behaviour: 'removes nothing for a filter other than labels, even in strict mode',
    original: 'removes every match of the filter, whoever owns it (moby-ryuk#32)',
    isInProtocolSpec: true,
    async observe({ start, line, resources }) {
      const volume = await resources.volume('a stranger’s volume', {});
      await resources.container('a stranger’s container', {});
      const ryuk = await start({ RYUK_COMPAT: 'strict' });
      const client = ryuk.connect();
      const answers = [
        await client.claim(`name=${volume}`),
        await client.claim('status=running'),
        await client.claim('garbage'),
        await client.claim(line),
      ];
      await client.leave();
      return { answers, exit: await ryuk.ended, left: await resources.left() };
    },
    expected: {
      answers: ['ACK', 'ACK', 'ACK', 'ACK'],
      exit: 0,
      left: ['a stranger’s volume', 'a stranger’s container'],
    },
  },
  {
    behaviour: 'removes the resources of a disconnected client while others are connected',
    original: 'removes nothing before the last client has disconnected',
    async observe({ start, session, resources }) {
      await resources.container('of the one', { 'example.part': `${session}-one` });
      await resources.container('of the other', { 'example.part': `${session}-other` });
      await resources.container('of both', { 'example.part': `${session}-both` });
      const ryuk = await start();
      const [one, other] = [ryuk.connect(), ryuk.connect()];
      await one.claim(`label=example.part=${session}-one`);
      await one.claim(`label=example.part=${session}-both`);
      await other.claim(`label=example.part=${session}-other`);
      await other.claim(`label=example.part=${session}-both`);
      await one.leave();
      await until(async () => (await resources.left()).length < 3);
      const held = await resources.left();
      await other.leave();
      return { held, exit: await ryuk.ended, left: await resources.left() };
    },
    expected: { held: ['of the other', 'of both'], exit: 0, left: [] },
  },
  {
    behaviour: 'does not count connections without a claim as clients',
    original: 'counts the probe, waits for its reconnection timeout, and exits',
    async observe({ start, line, labels, resources }) {
      await resources.container('own', labels);
      const ryuk = await start();
      await ryuk.connect().leave();
      const garbage = ryuk.connect();
      await garbage.claim('garbage');
      await garbage.leave();
      const hasEndedEarly = await until(ryuk.hasEnded, 1_000);
      const client = ryuk.connect();
      const answer = await client.claim(line);
      await client.leave();
      return { hasEndedEarly, answer, exit: await ryuk.ended, left: await resources.left() };
    },
    expected: { hasEndedEarly: false, answer: 'ACK', exit: 0, left: [] },
  },
  {
    behaviour: 'does not wait for connections without a claim on SIGTERM',
    original: 'waits for them, up to the shutdown timeout of ten minutes',
    async observe({ start }) {
      const ryuk = await start();
      const silent = ryuk.connect();
      await silent.send('\n');
      await ryuk.signal('SIGTERM');
      const inTime = await until(ryuk.hasEnded);
      silent.reset();
      return inTime;
    },
    expected: true,
  },
];
