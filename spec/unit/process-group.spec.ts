import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, it } from '@jest/globals';
import { endGroupOf, isLiveMember, killGroup } from '../../lib/processes/end-group';
import { readOwnerOf } from '../../lib/processes/owner';
import { sessionIdentity } from '../../lib/registry/session-identity';
import { isRunning } from '../support/process-state';

describe('isLiveMember', () => {
  it.each([
    ['runs in the group', '7 (sh) S 1 42 42 0 -1', true],
    ['leads it', '42 (sh) R 1 42 42 0 -1', true],
    ['has a name that resembles other fields', '7 (a) Z 1 7 (b) S 1 42 42 0', true],
    ['is in another group', '42 (sh) S 1 43 43 0 -1', false],
    ['is a zombie', '7 (sh) Z 1 42 42 0 -1', false],
    ['is dead', '7 (sh) X 1 42 42 0 -1', false],
    ['has an empty stat', '', false],
  ])('recognizes a process that %s', (_what, stat, expected) => {
    expect(isLiveMember(stat, 42)).toBe(expected);
  });
});

describe('a group whose leader has ended, and is not reaped', () => {
  const ignoresTerm = `trap "" TERM; echo $$; while :; do sleep 0.05; done`;
  // The parent becomes `sleep`, which waits for no child.
  const script = `setsid sh -c 'sh -c "$1" & echo $$; wait' sh '${ignoresTerm}' & exec sleep 600`;

  it('ends with its last process, which ignores SIGTERM', async () => {
    const parent = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface(parent.stdout)[Symbol.asyncIterator]();
    const pids = [await lines.next(), await lines.next()].map(({ value }) => Number(value));
    const leader = pids.find((pid) => isLiveMember(readFileSync(`/proc/${pid}/stat`, 'utf8'), pid));
    const member = pids.find((pid) => pid !== leader);
    const owner = readOwnerOf(leader ?? 0, sessionIdentity().owner);
    try {
      expect(owner).toBeDefined();
      if (owner === undefined || leader === undefined) return;
      expect(await endGroupOf(owner, leader, { what: 'group', graceMs: 100 })).toBe(true);
      expect(isRunning(member ?? 0)).toBe(false);
    } finally {
      parent.kill('SIGKILL');
      if (leader !== undefined) killGroup(leader, 'SIGKILL');
      await once(parent, 'close');
    }
  });
});
