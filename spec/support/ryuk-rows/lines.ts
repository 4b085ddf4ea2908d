import type { RyukRow } from '../ryuk-stage';
import { until } from '../until';

/** How filters are told to it. */
export const lineRows: readonly RyukRow[] = [
  {
    behaviour: 'answers every line that is not empty with one ACK, whatever ends it',
    async observe({ start, line }) {
      const client = (await start()).connect();
      await client.send(`${line}\n`, '\n', `${line}\r\n`, '\r\n', `\n\n${line}x\n`);
      return client.leave();
    },
    expected: 'ACK\nACK\nACK\n',
  },
  {
    behaviour: 'puts together lines that come in pieces, and takes apart pieces that hold many lines',
    async observe({ start, line, labels, things }) {
      await things.container('own', labels);
      const ryuk = await start();
      const client = ryuk.connect();
      await client.send(
        ...Array.from(`${line}\r\n`),
        `${line}1\n${line}2\n${line.slice(0, 9)}`,
        `${line.slice(9)}3\n`,
      );
      return { answers: await client.leave(), exit: await ryuk.ended, left: await things.left() };
    },
    expected: { answers: 'ACK\n'.repeat(4), exit: 0, left: [] },
  },
  {
    behaviour: 'takes a thousand lines on one connection',
    isInProtocolSpec: true,
    async observe({ start, line }) {
      const client = (await start()).connect();
      await client.send(Array.from({ length: 1_000 }, (_, index) => `${line}-${index}\n`).join(''));
      return client.leave();
    },
    expected: 'ACK\n'.repeat(1_000),
  },
  {
    behaviour: 'takes 64 connections that hold the same filter, and waits for the last',
    async observe({ start, line, labels, things }) {
      await things.container('own', labels);
      const ryuk = await start();
      const clients = Array.from({ length: 64 }, () => ryuk.connect());
      const answers = await Promise.all(clients.map((client) => client.claim(line)));
      const [last, ...others] = clients;
      await Promise.all(others.map((client) => client.leave()));
      const hasEndedEarly = await until(ryuk.hasEnded, 600);
      const held = await things.left();
      await last?.leave();
      return {
        answers: [...new Set(answers)],
        hasEndedEarly,
        held,
        exit: await ryuk.ended,
        left: await things.left(),
      };
    },
    expected: { answers: ['ACK'], hasEndedEarly: false, held: ['own'], exit: 0, left: [] },
  },
  {
    behaviour: 'takes a filter raw and percent-encoded',
    async observe({ start, session, things }) {
      await things.container('raw', { 'example.com/a b': `${session}:raw` });
      await things.container('encoded', { 'example.com/a b': `${session}:ö=1&2` });
      const ryuk = await start();
      const client = ryuk.connect();
      await client.claim(`label=example.com/a b=${session}:raw`);
      await client.claim(`label=${encodeURIComponent(`example.com/a b=${session}:ö=1&2`)}`);
      await client.leave();
      return { exit: await ryuk.ended, left: await things.left() };
    },
    expected: { exit: 0, left: [] },
  },
  {
    behaviour: 'takes the labels of one line together: what shares only some of them lives',
    async observe({ start, session, labels, things }) {
      await things.container('own', { ...labels, 'org.testcontainers.lang': 'go' });
      await things.container('of another session', { ...labels, 'org.testcontainers.session-id': 'another' });
      await things.container('of another language', labels);
      const ryuk = await start();
      const client = ryuk.connect();
      const all = { ...labels, 'org.testcontainers.lang': 'go', 'org.testcontainers.session-id': session };
      await client.claim(
        Object.entries(all)
          .map(([key, value]) => `label=${key}=${value}`)
          .join('&'),
      );
      await client.leave();
      return { exit: await ryuk.ended, left: await things.left() };
    },
    expected: { exit: 0, left: ['of another session', 'of another language'] },
  },
  {
    behaviour: 'takes lines one by one: of one connection, and of several',
    async observe({ start, session, things }) {
      for (const name of ['first', 'second', 'third', 'nobody’s']) {
        await things.container(name, { 'example.part': `${session}-${name}` });
      }
      const ryuk = await start();
      const [one, other] = [ryuk.connect(), ryuk.connect()];
      await one.claim(`label=example.part=${session}-first`);
      await one.claim(`label=example.part=${session}-second`);
      await other.claim(`label=example.part=${session}-third`);
      await one.leave();
      await other.leave();
      return { exit: await ryuk.ended, left: await things.left() };
    },
    expected: { exit: 0, left: ['nobody’s'] },
  },
  {
    behaviour: 'bears a port probe, which connects and says nothing',
    async observe({ start, line, labels, things }) {
      await things.container('own', labels);
      const ryuk = await start({ RYUK_RECONNECTION_TIMEOUT: '3s' });
      await ryuk.connect().leave();
      ryuk.connect().reset();
      const client = ryuk.connect();
      const answer = await client.claim(line);
      await client.leave();
      return { answer, exit: await ryuk.ended, left: await things.left() };
    },
    expected: { answer: 'ACK', exit: 0, left: [] },
  },
];
