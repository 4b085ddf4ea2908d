import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { built } from '../../support/built';
import { readOwner } from '../../../lib/processes/owner';
import { startDaemon } from '../../support/daemon-reaper';
import { openFaultProxy, type FaultProxy } from '../../support/fault-proxy';
import { deadOwner, labelsOf, someSession } from '../../support/owned-things';
import { runCastoff, type CastoffRun } from '../../support/run-castoff';
import type { SweepStage } from './stage';

export function describeCommand(stage: () => SweepStage): void {
  describe('castoff sweep', () => {
    let proxy: FaultProxy;
    let session: string;
    beforeEach(async () => {
      session = someSession();
      proxy = await openFaultProxy({ upstream: stage().engine.socketPath });
    });
    afterEach(() => proxy.close());

    const isThere = (id: string): Promise<boolean> => stage().isThere(id);
    const leave = (): Promise<string> => stage().leave(labelsOf(session, deadOwner()));

    const run = (...args: readonly string[]): Promise<CastoffRun> =>
      runCastoff(['sweep', ...args], { DOCKER_HOST: proxy.address });

    it('exits with 1 when a resource could not be removed, and prints the reason', async () => {
      const id = await leave();
      proxy.inject({
        on: `DELETE /containers/${id}`,
        // The engine refuses, now and later.
        fault: { type: 'answer', status: 400, message: 'not today' },
        times: Number.POSITIVE_INFINITY,
      });

      const { exitCode, stdout } = await run();

      expect(exitCode).toBe(1);
      expect(stdout).toMatch(new RegExp(`^failed +container .*${session}.* on this boot; .*not today`, 'm'));
      expect(stdout).toMatch(/^0 removed, \d+ kept, 1 failed on unix:/m);
      expect(await isThere(id)).toBe(true);
    });

    it('prints as JSON what would be removed', async () => {
      const id = await leave();

      const { exitCode, stdout } = await run('--dry-run', '--json');

      expect(exitCode).toBe(0);
      const report = JSON.parse(stdout) as { readonly things: readonly { readonly id: string }[] };
      expect(report.things.find((resource) => resource.id === id)).toMatchObject({
        action: 'would-remove',
        kind: 'container',
        session,
        proof: expect.stringMatching(/^no process \d+ on this boot$/),
      });
      expect(await isThere(id)).toBe(true);
    });

    it('accepts a time limit as a duration, and reports what could not be removed in time', async () => {
      const id = await leave();
      proxy.inject({ on: `* /containers/${id}`, fault: { type: 'swallow' }, times: Infinity });
      const { exitCode, stdout, stderr } = await run('--timeout', '6s');
      expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
      expect(stdout).toMatch(/^failed +container .*(no response within|did not answer)/m);
    });

    it('sweeps the sessions and resources that its filters select, and lists no others', async () => {
      const [id, other] = [await leave(), await stage().leave()];
      const { stdout } = await run('--session', session, '--exclude', 'kind=container');
      expect(stdout).toMatch(/^0 removed, 0 kept, 0 failed on /);
      expect(await isThere(id)).toBe(true);
      const selected = await run('--session', session, '--filter', 'kind=container', 'kind=volume');
      expect(selected.stdout).toMatch(new RegExp(`^removed +container .*${session}`, 'm'));
      expect(selected.stdout).toContain('1 removed, 0 kept, 0 failed on ');
      expect([await isThere(id), await isThere(other)]).toEqual([false, true]);
    });

    it('accepts an age as a duration', async () => {
      const id = await leave();
      expect((await run('--older-than', '2d')).stdout).toMatch(/^kept .* is only [\d.]+ m?s old$/m);
      expect(await isThere(id)).toBe(true);
      expect((await run('--older-than', '0s')).exitCode).toBe(0);
      expect(await isThere(id)).toBe(false);
    });

    it.each([
      [['--older-than=-1s'], '--older-than: got "-1s"; give a duration'],
      [['--everything'], "unknown option '--everything'"],
    ])('exits with 2 for %j, and removes nothing', async (args, message) => {
      const id = await leave();
      const { exitCode, stderr, stdout } = await run(...args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toContain(message);
      expect(await isThere(id)).toBe(true);
    });

    it('is repeated by a standing reaper, which logs what it removes', async () => {
      const [first, kept] = [await leave(), await stage().leave(labelsOf(someSession(), readOwner()))];
      await using reaper = await startDaemon(['--sweep-every', '1s'], { DOCKER_HOST: proxy.address });
      expect(await reaper.says({ msg: 'swept', id: first, session })).toBe(true);
      const second = await stage().leave(labelsOf(session, deadOwner()));
      expect(await reaper.says({ msg: 'swept', id: second })).toBe(true);
      expect([await isThere(first), await isThere(second), await isThere(kept)]).toEqual([
        false,
        false,
        true,
      ]);
      reaper.signal('SIGTERM');
      expect(await reaper.ended).toMatchObject({ exitCode: 0 });
    });

    it('documents its exit codes in its help', async () => {
      const { exitCode, stdout } = await run('--help');
      expect(exitCode).toBe(0);
      expect(stdout).toContain('1  something failed, or could not be removed');
    });

    it('prints colour on a terminal, but not with NO_COLOR', async () => {
      await leave();
      // The proxy delays the removal: progress is shown after a second.
      proxy.inject({ on: 'DELETE **', fault: { type: 'delay', ms: 1_500 } });
      const onTerminal = async (env: Record<string, string>, flags = '--dry-run'): Promise<string> => {
        const command = [process.execPath, built.cli, 'sweep', flags].join(' ');
        const settings: NodeJS.ProcessEnv = {
          ...process.env,
          DOCKER_HOST: proxy.address,
          TERM: 'xterm',
          ...env,
        };
        // These variables override the terminal: in CI, Node.js assumes no colours.
        for (const name of ['CI', 'FORCE_COLOR', 'NODE_DISABLE_COLORS']) delete settings[name];
        const { stdout } = await promisify(execFile)('script', ['-qec', command, '/dev/null'], {
          env: settings,
        });
        return stdout;
      };
      const preview = await onTerminal({});
      expect(preview).toContain('\u001B[33mwould-remove\u001B[39m');
      expect(preview).not.toContain('sweeping');
      expect(await onTerminal({ NO_COLOR: '1' })).toMatch(/^would-remove +container /m);
      const swept = await onTerminal({}, '--timeout 20s');
      expect(swept.replaceAll('\u001B', '^')).toMatch(/\r\^\[Ksweeping[^\r]*, 1 s/);
      expect(swept.slice(0, swept.lastIndexOf('removed')).trimEnd()).toContain('\r\u001B[K');
    });
  });
}
