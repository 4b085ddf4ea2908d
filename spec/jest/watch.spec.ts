import { afterEach, describe, expect, it } from '@jest/globals';
import { asTerminal, startJest, type JestRun } from '../support/jest-run';
import { until } from '../support/until';

const timeoutMs = 20_000;

const forgets = `const Docker = require('dockerode');
  const { sleeper } = require('./sleeper.js');
  test('forgets a container', async () => {
    const container = await new Docker().createContainer(sleeper);
    const { Config } = await container.inspect();
    process.stdout.write('session is ' + Config.Labels['castoff.session'] + '\\n');
  });`;

describe('jest --watchAll', () => {
  let run: JestRun;
  afterEach(() => run?.close());

  const sessions = (): readonly string[] =>
    [...run.output().matchAll(/session is (\S+)/g)].map(([, session = '']) => session);
  const verdicts = (): number => run.output().match(/1 leak among 1 container/g)?.length ?? 0;

  it('opens a session for each run, prints a verdict for each, and leaves nothing', async () => {
    const files = { 'forgets.test.js': forgets };
    run = await startJest('both-ways', { args: ['--watchAll', 'forgets'], nodeArgs: asTerminal, files });
    expect(await until(() => verdicts() === 1, timeoutMs)).toBe(true);
    expect(await run.resources()).toEqual([]);

    // Jest listens to keys shortly after castoff's verdict; an earlier key is lost.
    const runsAgain = (): Promise<boolean> => {
      run.type('\r');
      return until(() => sessions().length === 2, timeoutMs / 4);
    };
    expect(await until(runsAgain, timeoutMs)).toBe(true);
    expect(await until(() => verdicts() === 2, timeoutMs)).toBe(true);
    expect(await run.resources()).toEqual([]);
    expect(new Set(sessions()).size).toBe(2);

    let hasEnded = false;
    void run.ended.then(() => (hasEnded = true));
    const quits = (): Promise<boolean> => {
      run.type('q');
      return until(() => hasEnded, timeoutMs / 4);
    };
    expect(await until(quits, timeoutMs)).toBe(true);
  });
});
