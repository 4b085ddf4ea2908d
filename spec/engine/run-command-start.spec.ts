import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { built } from '../support/built';
import { runScript } from '../support/command-run';
import { openFaultProxy } from '../support/fault-proxy';

const run = promisify(execFile);
const listLoaded = join(__dirname, '../fixtures/run/list-loaded-at-start.cjs');
const env = { ...process.env, CASTOFF_SWEEP: 'off', CASTOFF_REAPER: '' };

// The command starts 60 ms later than without castoff, on an idle machine. The loaded code is checked instead, because
// it does not depend on the machine.
describe('the start of a command of castoff run', () => {
  let loaded: readonly string[];
  beforeAll(async () => {
    const args = ['--require', listLoaded, built.cli, 'run', '--', 'true'];
    const { stdout } = await run(process.execPath, args, { env });
    loaded = JSON.parse(stdout);
  });

  it('waits for four files of code, which have less than 220 kB', async () => {
    expect(loaded).toContain(built.cli);
    expect(loaded.length).toBeLessThanOrEqual(4);
    const sizes = await Promise.all(loaded.map(async (file) => (await stat(file)).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(220_000);
  });

  it('waits neither for the client of the engine, nor for the run and its lease', () => {
    expect(loaded.filter((file) => /docker|session|lease|relayed|sweep|\/run\.js$/.test(file))).toEqual([]);
  });
});

it('castoff run ends like its command if nothing reads its standard error', async () => {
  const args = [built.cli, 'run', '--', 'sh', '-c', 'sleep 0.2; exit 3'];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr.destroy();
  expect(await once(child, 'exit')).toEqual([3, null]);
});

it.each([
  ['no list request for a command that created nothing', 'docker version', false],
  ['list requests for a command that created something', 'docker volume rm $(docker volume create)', true],
])('castoff run ends with %s', async (_, script, isListed) => {
  await using proxy = await openFaultProxy();
  const { code } = await runScript(`${script} >/dev/null`, {
    env: { DOCKER_HOST: proxy.address, CASTOFF_REAPER: 'off' },
  });
  expect(code).toBe(0);
  expect(proxy.calls.some(({ path }) => path.includes('castoff.session%3D'))).toBe(isListed);
});
