import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Owner } from '../../lib/core/labels';
import { proveOwnersHere, readOwner } from '../../lib/processes/owner';
import type { OwnerProof } from '../../lib/processes/owner-proof';
import { withTypeScript } from '../support/with-typescript';

interface Said {
  readonly self: Owner;
  readonly ofSelf: OwnerProof;
  readonly ofGone: OwnerProof;
  /** Of the process after it. */
  readonly ofNext: OwnerProof;
  readonly ofGiven: readonly OwnerProof[];
}

// These run on the machine, as a container's processes do on their host: only the kernel can tell them apart.
describe('an owner', () => {
  const running: ChildProcess[] = [];
  afterEach(async () => {
    for (const child of running.splice(0)) {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      child.stdout?.destroy();
    }
  });

  it('is alive to another process, and dead as soon as it is killed', async () => {
    const { child, said } = await runOwner([], [readOwner()]);
    expect(said.ofGiven).toEqual([{ state: 'alive', proof: `process ${process.pid} is alive` }]);
    expect(proveOwnersHere()(said.self).state).toBe('alive');

    const exited = once(child, 'exit');
    running.splice(0);
    child.kill('SIGKILL');
    await exited;

    expect(proveOwnersHere()(said.self)).toEqual({
      state: 'dead',
      proof: `no process ${said.self.pid} on this boot`,
    });
  });

  it('in a pid namespace of its own is not known from outside, nor the other way round', async () => {
    const { said } = await runOwner(
      ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'],
      [readOwner()],
    );

    expect(said.self).toMatchObject({ host: readOwner().host, boot: readOwner().boot, pid: 1 });
    expect(said.ofSelf.state).toBe('alive');
    expect(said.ofGone.state).toBe('dead');
    expect(proveOwnersHere()(said.self)).toMatchObject({
      state: 'unknown',
      isElsewhere: true,
      proof: expect.stringContaining(`pid namespace ${said.self.pidNamespace}`),
    });
    expect(said.ofGiven).toMatchObject([{ state: 'unknown', isElsewhere: true }]);
  });

  it('whose /proc counts as another pid namespace does is not known to anybody, nor does it know others', async () => {
    const { said } = await runOwner(['unshare', '--pid', '--fork', '--kill-child'], [readOwner()]);

    expect(said.self).toMatchObject({ pid: 1, boot: readOwner().boot });
    expect(said.self.pidNamespace).toBeUndefined();
    expect(said.self.pidStart).toBeUndefined();
    expect(proveOwnersHere()(said.self).state).toBe('unknown');
    expect(said.ofSelf.state).toBe('unknown');
    expect(said.ofGone.state).toBe('unknown');
    expect(said.ofGiven).toMatchObject([{ state: 'unknown' }]);
  });

  it('whose clock of starts is shifted is not known to those whose is not, nor the other way round', async () => {
    const { said } = await runOwner(
      ['unshare', '--time', '--boottime', '1000000', '--fork', '--kill-child'],
      [readOwner()],
    );

    expect(said.self.boot).toBe(readOwner().boot);
    expect(said.ofSelf.state).toBe('alive');
    expect(proveOwnersHere()(said.self)).toMatchObject({ state: 'unknown', isElsewhere: true });
    expect(said.ofGiven).toMatchObject([{ state: 'unknown', isElsewhere: true }]);
  });

  it('that hides from /proc is not taken for dead', async () => {
    // Processes 1 and 2 of the namespace are root's; another user asks for them.
    const script = `
      sleep 600 &
      mount -o remount,hidepid=2 /proc
      exec setpriv --reuid=12345 --regid=12345 --clear-groups --pdeathsig=KILL "$@"`;
    const { said } = await runOwner(
      ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child', 'sh', '-c', script, 'sh'],
      [],
    );
    expect(said.ofGone.state).toBe('dead');
    expect(said.ofNext).toMatchObject({
      state: 'unknown',
      proof: expect.stringContaining('is hidden from'),
    });
  });

  /** Runs the fixture, by `command` where one is given, and resolves to what it says. */
  async function runOwner(
    command: readonly string[],
    given: readonly Owner[],
  ): Promise<{ readonly child: ChildProcess; readonly said: Said }> {
    const [program, ...args] = [
      ...command,
      process.execPath,
      ...withTypeScript,
      join(__dirname, '../fixtures/crash/prove-owner.cjs'),
      JSON.stringify(given),
    ];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    running.push(child);
    const [line] = await Promise.race([
      once(createInterface(child.stdout), 'line'),
      once(child, 'exit').then(([code]) =>
        Promise.reject(new Error(`it ended without a word: ${String(code)}`)),
      ),
    ]);
    return { child, said: JSON.parse(String(line)) };
  }
});
