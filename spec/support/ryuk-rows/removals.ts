import { lastLine } from '../ryuk-log';
import type { RyukRow } from '../ryuk-stage';

/** Which resources it removes. */
export const removalRows: readonly RyukRow[] = [
  {
    behaviour: 'removes containers, networks, volumes and images, in this order, and logs their numbers',
    isOfImage: true,
    async observe({ start, line, labels, resources }) {
      await resources.family(labels);
      const stopWatching = await resources.watchRemovals();
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
    behaviour: 'removes resources that are created during the removal',
    async observe({ start, line, labels, resources }) {
      // More than a busy engine needs to create the next one.
      const ryuk = await start({ RYUK_CHANGES_RETRY_INTERVAL: '2s' });
      const client = ryuk.connect();
      await resources.container('before', labels);
      await client.claim(line);
      client.reset();
      for (let number = 1; number <= 6; number += 1) await resources.container(`late ${number}`, labels);
      return { exit: await ryuk.ended, left: await resources.left() };
    },
    expected: { exit: 0, left: [] },
  },
  {
    behaviour: 'keeps reapers with the session’s labels, including itself',
    isOfImage: true,
    async observe({ start, line, labels, resources }) {
      await resources.container('another reaper', { ...labels, 'org.testcontainers.ryuk': 'true' });
      await resources.container('own', labels);
      const ryuk = await start({}, { labels });
      const client = ryuk.connect();
      await client.claim(line);
      await client.leave();
      return { exit: await ryuk.ended, left: await resources.left() };
    },
    expected: { exit: 0, left: ['another reaper'] },
  },
  {
    behaviour: 'needs no capabilities and no writable root',
    isOfImage: true,
    async observe({ start, line, labels, resources }) {
      await resources.container('own', labels);
      const ryuk = await start({}, { isConfined: true });
      const client = ryuk.connect();
      await client.claim(line);
      await client.leave();
      return { exit: await ryuk.ended, left: await resources.left() };
    },
    expected: { exit: 0, left: [] },
  },
];
