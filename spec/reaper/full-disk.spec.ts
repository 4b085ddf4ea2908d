import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import type { RunEnd } from '../../lib/verdict/verdict';
import { startRunProcess } from '../support/run-process';
import { specImage } from '../support/spec-image';
import { docker, exists } from '../support/things';

/** A prefix that runs a command with a full temporary folder. */
const onFullDisk = (folder: string): readonly string[] => [
  'unshare',
  '--mount',
  'sh',
  '-c',
  'mount -t tmpfs -o size=64k tmpfs "$0" && ! dd if=/dev/zero of="$0/filler" bs=4k 2>/dev/null && exec "$@"',
  folder,
];

it.each(['auto', 'process'])(
  'a run with a full temporary folder and CASTOFF_REAPER=%s labels, reports and removes its resources',
  async (reaper) => {
    const folder = await mkdtemp(join(tmpdir(), 'castoff-full-'));
    try {
      const env = { TMPDIR: folder, XDG_RUNTIME_DIR: '', CASTOFF_REAPER: reaper };
      await using main = await startRunProcess(env, onFullDisk(folder));
      const { session } = await main.do<{ session: string }>('open', {});
      const args = ['create', '--network', 'none', specImage];
      const id = await main.do<string>('command', { args });
      const { Config } = await docker.getContainer(id).inspect();
      expect(Config.Labels).toMatchObject({ 'castoff.session': session });
      const end = await main.do<RunEnd>('close');
      expect(main.stderr()).toMatch(/write the journal: ENOSPC/);
      expect(end).toMatchObject({ failures: [], left: [] });
      expect(end.records).toMatchObject([{ kind: 'container', state: 'gone' }]);
      expect(await exists('container', id)).toBe(false);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
