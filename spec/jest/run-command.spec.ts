import { describe, expect, it } from '@jest/globals';
import { built } from '../support/built';
import { composeCommand } from '../support/compose-command';
import { runJest } from '../support/jest-run';
import { openRemoteEngines } from '../support/remote-engines';
import { isLong } from '../support/spec-size';

const nodeArgs = [built.cli, 'run', '--leaks', 'fail', '--', process.execPath];

describe('Jest with the preset, inside castoff run', () => {
  it('owns and reports what its tests create, and castoff run reports nothing more', async () => {
    const { exitCode, stderr, left } = await runJest('plain', { nodeArgs, env: { CI: 'true' } });
    expect(exitCode).toBe(0);
    expect(stderr.match(/^castoff: .*/gm)).toEqual(['castoff: 1 container, all gone']);
    expect(left).toEqual([]);
  });

  it('reports that it created nothing once', async () => {
    const options = { nodeArgs, args: ['empty'], env: { CI: 'true' } };
    const { exitCode, stderr } = await runJest('plain', options);
    expect(exitCode).toBe(0);
    expect(stderr.match(/^castoff: .*/gm)).toEqual(['castoff: watched this run; it created nothing']);
  });

  if (isLong)
    it.each(['byContext', 'byProperties', 'bySsh'] as const)(
      'owns and reports the same on a remote engine, %s',
      async (way) => {
        await using engines = await openRemoteEngines();
        const env = { ...engines[way].env, CI: 'true' };
        const { exitCode, stderr, left } = await runJest('plain', { nodeArgs, env });
        expect({ exitCode, left }).toEqual({ exitCode: 0, left: [] });
        expect(stderr.match(/^castoff: .*/gm)).toEqual(['castoff: 1 container, all gone']);
      },
      120_000,
    );

  if (isLong)
    it('reports the leaks of commands and Compose as it does alone', async () => {
      const env = { COMPOSE: JSON.stringify(await composeCommand()) };
      const { exitCode, stderr, left } = await runJest('commands', {
        nodeArgs,
        args: ['commands.test.js'],
        env,
      });
      expect(exitCode).toBe(1);
      expect(stderr.match(/^castoff: \d+ leaks .*/gm)).toEqual([
        expect.stringMatching(/^castoff: 6 leaks among /),
      ]);
      expect(left).toEqual([]);
    }, 120_000);
});
