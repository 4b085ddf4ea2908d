import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, it } from '@jest/globals';
import { readOwner, readOwnerOf } from '../../lib/processes/owner';
import { endTreeOf, killTree } from '../../lib/processes/process-tree';
import { isRunning } from '../support/process-state';
import { until } from '../support/until';

/** A shell in the group of this process, with a child, and one in a session of its own. */
async function startTree(shell: string) {
  const child = spawn('sh', ['-c', shell], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const pids: number[] = [];
  for await (const line of lines) if (pids.push(Number(line)) === 2) break;
  return { child, pids };
}

// The daemon prints its pid once it has a session of its own.
const withDaemon = `sleep 60 & echo $!; setsid sh -c 'echo $$; exec sleep 60' & wait`;

async function isGone(child: ChildProcess): Promise<boolean> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return true;
}

/** Descendants are found in /proc. */
const areFound = process.platform === 'linux';

describe('a process without a group of its own', () => {
  it('ends with its descendants, except for daemons', async () => {
    const {
      child,
      pids: [own = 0, daemon = 0],
    } = await startTree(withDaemon);
    const owner = readOwnerOf(child.pid ?? 0, readOwner());
    if (owner === undefined) throw new Error('no owner');
    expect(await endTreeOf(owner, { what: 'command sh', graceMs: 5_000 })).toBe(true);
    expect(await isGone(child)).toBe(true);
    expect(isRunning(own)).toBe(!areFound);
    expect(isRunning(daemon)).toBe(true);
    process.kill(daemon, 'SIGKILL');
    expect(await endTreeOf(owner, { what: 'command sh', graceMs: 5_000 })).toBe(false);
  });

  it('is killed after the grace if a descendant ignores SIGTERM', async () => {
    const {
      child,
      pids: [own = 0],
    } = await startTree(`sh -c 'trap "" TERM; echo $$; echo 0; while :; do sleep 0.05; done' & wait`);
    const owner = readOwnerOf(child.pid ?? 0, readOwner());
    if (owner === undefined) throw new Error('no owner');
    await endTreeOf(owner, { what: 'command sh', graceMs: 100 });
    expect(isRunning(own)).toBe(!areFound);
  });

  it('is killed at once, with its descendants', async () => {
    const {
      child,
      pids: [own = 0, daemon = 0],
    } = await startTree(withDaemon);
    killTree(child.pid ?? 0);
    expect(await isGone(child)).toBe(true);
    expect(child.signalCode).toBe('SIGKILL');
    expect(await until(() => isRunning(own) !== areFound)).toBe(true);
    expect(isRunning(daemon)).toBe(true);
    process.kill(daemon, 'SIGKILL');
  });
});
