import { afterEach, describe, expect, it } from '@jest/globals';
import { asTerminal, startJest, type JestRun } from '../support/jest-run';
import { until } from '../support/until';

const atMostMs = 20_000;

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

  it('has a session for each run, each with its own verdict, and nothing left after any', async () => {
    const files = { 'forgets.test.js': forgets };
    run = await startJest('both-ways', { args: ['--watchAll', 'forgets'], nodeArgs: asTerminal, files });
    expect(await until(() => verdicts() === 1, atMostMs)).toBe(true);
    expect(await run.things()).toEqual([]);

    // Jest listens to keys a moment after castoff's verdict; one that comes too early is lost.
    const runsAgain = (): Promise<boolean> => {
      run.type('\r');
      return until(() => sessions().length === 2, atMostMs / 4);
    };
    expect(await until(runsAgain, atMostMs)).toBe(true);
    expect(await until(() => verdicts() === 2, atMostMs)).toBe(true);
    expect(await run.things()).toEqual([]);
    expect(new Set(sessions()).size).toBe(2);

    let hasEnded = false;
    void run.ended.then(() => (hasEnded = true));
    const quits = (): Promise<boolean> => {
      run.type('q');
      return until(() => hasEnded, atMostMs / 4);
    };
    expect(await until(quits, atMostMs)).toBe(true);
  });
});
