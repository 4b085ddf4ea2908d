import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, expect, it } from '@jest/globals';
import { built } from '../support/built';
import { isRunning } from '../support/process-state';
import { runCastoff } from '../support/run-castoff';
import { openReaperFolder } from '../support/session-child';
import { killAndWait } from '../support/started-session';
import { until } from '../support/until';

/** Starts a process with a session and a command of two processes; resolves to their pids. */
async function startParent(reaper: 'process' | 'off', folder: string) {
  const script = `sh -c 'echo $$; exec sleep 60' & echo $$; wait`;
  const program = `
    require(${JSON.stringify(built.library)}).openSession({ reaper: '${reaper}' }).then(async (session) => {
      const command = session.scope.run('sh', ['-c', ${JSON.stringify(script)}], { ready: /^\\d+\\n\\d+\\n/ });
      await command.ready;
      console.log(JSON.stringify({
        pids: command.state.output.trim().split('\\n').map(Number), reaper: session.reaper, session: session.id,
      }));
    });`;
  const parent = spawn(process.execPath, ['-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: '', NODE_NO_WARNINGS: '1', CASTOFF_SWEEP: 'off' },
  });
  const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
  const told = JSON.parse(line) as {
    readonly pids: readonly number[];
    readonly reaper: string | undefined;
    readonly session: string;
  };
  return { ...told, kill: () => killAndWait(parent) };
}

describe('a command of a session whose process is killed', () => {
  it('is ended with its group by the reaper that runs as a process', async () => {
    await using folder = await openReaperFolder();
    const living = await startParent('process', folder.folder);
    const { pids, reaper, kill } = await startParent('process', folder.folder);
    expect(reaper).toMatch(/^the host process at /);
    await kill();
    expect(await until(() => !pids.some((pid) => isRunning(pid)))).toBe(true);
    expect(living.pids.every((pid) => isRunning(pid))).toBe(true);
    await living.kill();
    expect(await until(() => !living.pids.some((pid) => isRunning(pid)))).toBe(true);
    for (const pid of folder.hosts()) process.kill(pid, 'SIGTERM');
  });

  it('is ended by `castoff sweep` without a reaper, which prints the proof', async () => {
    await using folder = await openReaperFolder();
    const { pids, session, kill } = await startParent('off', folder.folder);
    await kill();
    expect(pids.every((pid) => isRunning(pid))).toBe(true);
    const env = { TMPDIR: folder.folder, XDG_RUNTIME_DIR: '' };
    // Only this session: other specs have resources of dead owners on the same engine.
    const sweep = (...flags: readonly string[]) => runCastoff(['sweep', '--session', session, ...flags], env);
    const dry = await sweep('--dry-run', '--json');
    const { things } = JSON.parse(dry.stdout) as { readonly things: readonly { readonly kind: string }[] };
    expect(things.filter(({ kind }) => kind === 'process')).toMatchObject([
      {
        action: 'would-remove',
        id: expect.stringMatching(pids.join('|')),
        name: expect.stringMatching(/^sh -c '/),
      },
    ]);
    const { stdout, exitCode } = await sweep();
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^removed +process +sh -c .* no process \d+ on this boot; process \d+ is alive; named in its journal$/m,
    );
    expect(pids.some((pid) => isRunning(pid))).toBe(false);
    expect(await sweep('--json')).toMatchObject({
      stdout: expect.not.stringContaining('"process"'),
    });
  });
});
