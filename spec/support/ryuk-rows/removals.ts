import { lastLine } from '../ryuk-log';
import type { RyukRow } from '../ryuk-stage';

/** What it removes, and what not. */
export const removalRows: readonly RyukRow[] = [
  {
    behaviour: 'removes containers, networks, volumes and images, in this order, and says how many',
    isOfImage: true,
    async observe({ start, line, labels, things }) {
      await things.family(labels);
      const stopWatching = await things.watchRemovals();
      const ryuk = await start({ RYUK_REMOVE_RETRIES: '1' });
      const client = ryuk.connect();
      await client.claim(line);
      await client.leave();
      const exit = await ryuk.ended;
      return {
        exit,
        removed: await stopWatching(),
        log: lastLine(ryuk.log(), /msg=removed/),
      };
    },
    expected: {
      exit: 0,
      removed: ['container', 'network', 'volume', 'image'],
      log: 'msg=removed containers=1 networks=1 volumes=1 images=1',
    },
  },
  {
    behaviour: 'removes what is created while it is at it',
    async observe({ start, line, labels, things }) {
      const ryuk = await start();
      const client = ryuk.connect();
      await things.container('before', labels);
      await client.claim(line);
      client.reset();
      for (let number = 1; number <= 6; number += 1) await things.container(`late ${number}`, labels);
      return { exit: await ryuk.ended, left: await things.left() };
    },
    expected: { exit: 0, left: [] },
  },
  {
    behaviour: 'leaves reapers alone, itself included, that carry the session’s labels',
    isOfImage: true,
    async observe({ start, line, labels, things }) {
      await things.container('another reaper', { ...labels, 'org.testcontainers.ryuk': 'true' });
      await things.container('own', labels);
      const ryuk = await start({}, { labels });
      const client = ryuk.connect();
      await client.claim(line);
      await client.leave();
      return { exit: await ryuk.ended, left: await things.left() };
    },
    expected: { exit: 0, left: ['another reaper'] },
  },
  {
    behaviour: 'needs no capability and no root that it can write',
    isOfImage: true,
    async observe({ start, line, labels, things }) {
      await things.container('own', labels);
      const ryuk = await start({}, { isConfined: true });
      const client = ryuk.connect();
      await client.claim(line);
      await client.leave();
      return { exit: await ryuk.ended, left: await things.left() };
    },
    expected: { exit: 0, left: [] },
  },
];
