import type { RyukRow } from '../ryuk-stage';
import { until } from '../until';

/** How it parses filters. */
export const lineRows: readonly RyukRow[] = [
  {
    behaviour: 'responds to every non-empty line with one ACK, for LF and CRLF',
    async observe({ start, line }) {
      const client = (await start()).connect();
      await client.send(`${line}\n`, '\n', `${line}\r\n`, '\r\n', `\n\n${line}x\n`);
      return client.leave();
    },
    expected: 'ACK\nACK\nACK\n',
  },
  {
    behaviour: 'reassembles split lines, and splits chunks of several lines',
    async observe({ start, line, labels, resources }) {
      await resources.container('own', labels);
      const ryuk = await start();
      const client = ryuk.connect();
      await client.send(
        ...Array.from(`${line}\r\n`),
        `${line}1\n${line}2\n${line.slice(0, 9)}`,
        `${line.slice(9)}3\n`,
      );
      return { answers: await client.leave(), exit: await ryuk.ended, left: await resources.left() };
    },
    expected: { answers: 'ACK\n'.repeat(4), exit: 0, left: [] },
  },
  {
    behaviour: 'accepts a thousand lines on one connection',
    isInProtocolSpec: true,
    async observe({ start, line }) {
      const client = (await start()).connect();
      await client.send(Array.from({ length: 1_000 }, (_, index) => `${line}-${index}\n`).join(''));
      return client.leave();
    },
    expected: 'ACK\n'.repeat(1_000),
  },
  {
    behaviour: 'accepts 64 connections with the same filter, and waits for the last',
    async observe({ start, line, labels, resources }) {
      await resources.container('own', labels);
      const ryuk = await start();
      const clients = Array.from({ length: 64 }, () => ryuk.connect());
      const answers = await Promise.all(clients.map((client) => client.claim(line)));
      const [last, ...others] = clients;
      await Promise.all(others.map((client) => client.leave()));
      const hasEndedEarly = await until(ryuk.hasEnded, 600);
      const held = await resources.left();
      await last?.leave();
      return {
        answers: [...new Set(answers)],
        hasEndedEarly,
        held,
        exit: await ryuk.ended,
        left: await resources.left(),
      };
    },
    expected: { answers: ['ACK'], hasEndedEarly: false, held: ['own'], exit: 0, left: [] },
  },
  {
    behaviour: 'accepts raw and percent-encoded filters',
    async observe({ start, session, resources }) {
      await resources.container('raw', { 'example.com/a b': `${session}:raw` });
      await resources.container('encoded', { 'example.com/a b': `${session}:ö=1&2` });
      const ryuk = await start();
      const client = ryuk.connect();
      await client.claim(`label=example.com/a b=${session}:raw`);
      await client.claim(`label=${encodeURIComponent(`example.com/a b=${session}:ö=1&2`)}`);
      await client.leave();
      return { exit: await ryuk.ended, left: await resources.left() };
    },
    expected: { exit: 0, left: [] },
  },
  {
    behaviour: 'combines the labels of one line, and keeps resources with only some of them',
    async observe({ start, session, labels, resources }) {
      await resources.container('own', { ...labels, 'org.testcontainers.lang': 'go' });
      await resources.container('of another session', {
        ...labels,
        'org.testcontainers.session-id': 'another',
      });
      await resources.container('of another language', labels);
      const ryuk = await start();
      const client = ryuk.connect();
      const all = { ...labels, 'org.testcontainers.lang': 'go', 'org.testcontainers.session-id': session };
      await client.claim(
        Object.entries(all)
          .map(([key, value]) => `label=${key}=${value}`)
          .join('&'),
      );
      await client.leave();
      return { exit: await ryuk.ended, left: await resources.left() };
    },
    expected: { exit: 0, left: ['of another session', 'of another language'] },
  },
  {
    behaviour: 'treats every line as its own filter, on one connection and on several',
    async observe({ start, session, resources }) {
      for (const name of ['first', 'second', 'third', 'unclaimed']) {
        await resources.container(name, { 'example.part': `${session}-${name}` });
      }
      const ryuk = await start();
      const [one, other] = [ryuk.connect(), ryuk.connect()];
      await one.claim(`label=example.part=${session}-first`);
      await one.claim(`label=example.part=${session}-second`);
      await other.claim(`label=example.part=${session}-third`);
      await one.leave();
      await other.leave();
      return { exit: await ryuk.ended, left: await resources.left() };
    },
    expected: { exit: 0, left: ['unclaimed'] },
  },
  {
    behaviour: 'tolerates a port probe, which connects and sends nothing',
    async observe({ start, line, labels, resources }) {
      await resources.container('own', labels);
      const ryuk = await start({ RYUK_RECONNECTION_TIMEOUT: '3s' });
      await ryuk.connect().leave();
      ryuk.connect().reset();
      const client = ryuk.connect();
      const answer = await client.claim(line);
      await client.leave();
      return { answer, exit: await ryuk.ended, left: await resources.left() };
    },
    expected: { answer: 'ACK', exit: 0, left: [] },
  },
];
