import { lastLine } from '../ryuk-log';
import type { RyukRow } from '../ryuk-stage';
import { until } from '../until';

const longMs = 15_000;

/** When it removes resources, and when it exits. */
export const lifetimeRows: readonly RyukRow[] = [
  {
    behaviour: 'keeps everything until the reconnection timeout, then removes it and exits',
    async observe({ start, line, labels, resources }) {
      await resources.container('own', labels);
      const ryuk = await start({ RYUK_RECONNECTION_TIMEOUT: '1.5s', RYUK_CONNECTION_TIMEOUT: '1m0s' });
      const client = ryuk.connect();
      await client.claim(line);
      const leavesAtMs = performance.now();
      await client.leave();
      await until(async () => (await resources.left()).length === 0);
      // A timer of Node.js may fire a little early.
      const isHeldSoLong = performance.now() - leavesAtMs > 1_450;
      return { isHeldSoLong, exit: await ryuk.ended, left: await resources.left() };
    },
    expected: { isHeldSoLong: true, exit: 0, left: [] },
  },
  {
    behaviour: 'keeps everything when a client reconnects in time',
    async observe({ start, line, labels, resources }) {
      await resources.container('own', labels);
      const ryuk = await start({ RYUK_RECONNECTION_TIMEOUT: '3s' });
      const client = ryuk.connect();
      await client.claim(line);
      client.reset();
      await client.closed;
      const again = ryuk.connect();
      await again.claim(line);
      const hasEndedEarly = await until(ryuk.hasEnded, 4_000);
      const held = await resources.left();
      await again.leave();
      return { hasEndedEarly, held, exit: await ryuk.ended, left: await resources.left() };
    },
    expected: { hasEndedEarly: false, held: ['own'], exit: 0, left: [] },
  },
  {
    behaviour: 'treats a reset connection as closed',
    async observe({ start, line, labels, resources }) {
      await resources.container('own', labels);
      const ryuk = await start();
      const client = ryuk.connect();
      await client.claim(line);
      client.reset();
      return { exit: await ryuk.ended, left: await resources.left() };
    },
    expected: { exit: 0, left: [] },
  },
  {
    behaviour: 'exits when no client connects within the connection timeout',
    async observe({ start }) {
      const ryuk = await start({ RYUK_CONNECTION_TIMEOUT: '0.5s' });
      return { exit: await ryuk.ended, log: lastLine(ryuk.log(), /msg=removed/) };
    },
    expected: { exit: 0, log: 'msg=removed containers=0 networks=0 volumes=0 images=0' },
  },
  ...(['SIGTERM', 'SIGINT'] as const).flatMap((signal): readonly RyukRow[] => [
    {
      behaviour: `exits at once on ${signal} without clients`,
      async observe({ start }) {
        const ryuk = await start();
        await ryuk.signal(signal);
        return { inTime: await until(ryuk.hasEnded, longMs), exit: await ryuk.ended };
      },
      expected: { inTime: true, exit: 0 },
    },
    {
      behaviour: `waits for connected clients on ${signal}, and serves no others`,
      ...(signal === 'SIGTERM' ? { isOfImage: true } : {}),
      async observe({ start, line, labels, resources }) {
        await resources.container('own', labels);
        const ryuk = await start();
        const client = ryuk.connect();
        await client.claim(line);
        await ryuk.signal(signal);
        const isClosedUnanswered = async () => {
          const late = ryuk.connect();
          await late.claim(line);
          return (await late.leave()) === '';
        };
        const isRefused = await until(isClosedUnanswered);
        const hasEndedEarly = await until(ryuk.hasEnded, 600);
        const held = await resources.left();
        const answer = await client.claim(`${line}-more`);
        await client.leave();
        const seen = { isRefused, hasEndedEarly, held, answer };
        return { ...seen, exit: await ryuk.ended, left: await resources.left() };
      },
      expected: { isRefused: true, hasEndedEarly: false, held: ['own'], answer: 'ACK', exit: 0, left: [] },
    },
  ]),
  {
    behaviour: 'does not wait for the reconnection timeout on SIGTERM when the last client has disconnected',
    async observe({ start, line, labels, resources }) {
      await resources.container('own', labels);
      const ryuk = await start({ RYUK_RECONNECTION_TIMEOUT: '60s' });
      const client = ryuk.connect();
      await client.claim(line);
      await client.leave();
      await ryuk.signal('SIGTERM');
      return { inTime: await until(ryuk.hasEnded, longMs), left: await resources.left() };
    },
    expected: { inTime: true, left: [] },
  },
  {
    behaviour: 'waits at most for the shutdown timeout on SIGTERM',
    async observe({ start, line, labels, resources }) {
      await resources.container('own', labels);
      const ryuk = await start({ RYUK_SHUTDOWN_TIMEOUT: '500ms' });
      const client = ryuk.connect();
      await client.claim(line);
      await ryuk.signal('SIGTERM');
      const inTime = await until(ryuk.hasEnded, longMs);
      return { inTime, answers: await client.closed, left: await resources.left() };
    },
    expected: { inTime: true, answers: 'ACK\n', left: [] },
  },
];
