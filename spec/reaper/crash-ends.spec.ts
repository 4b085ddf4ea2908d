import { describe, expect, it } from '@jest/globals';
import { startChild, type ChildPlan } from '../support/kill-round-child';
import { describeItem, pickOwn, takeStock } from '../support/kill-round-stock';
import { isLong } from '../support/spec-size';
import { until } from '../support/until';

const endings = {
  'closes its session': { end: 'close', signal: undefined, endsWith: 0 },
  'calls process.exit': { end: 'exit', signal: undefined, endsWith: 0 },
  'throws an uncaught error': { end: 'throw', signal: undefined, endsWith: 1 },
  'is stopped by Ctrl-C': { end: 'wait', signal: 'SIGINT', endsWith: 'SIGINT' },
  'gets SIGTERM': { end: 'wait', signal: 'SIGTERM', endsWith: 'SIGTERM' },
} as const;

// The program ends the same way with either reaper; the reaper's container must be removed, too.
const endingsWith = {
  container: isLong ? endings : pick('closes its session', 'is stopped by Ctrl-C'),
  process: endings,
};

describe.each(['container', 'process'] as const)('a program whose reaper is a %s', (reaper) => {
  it(`leaves neither resources nor its reaper when it ${Object.keys(endingsWith[reaper]).join(', ')}`, async () => {
    const outcomes = Object.entries(endingsWith[reaper]).map(async ([ending, { end, signal, endsWith }]) => {
      const outcome = await endProgram({ reaper, things: ['created', 'volume'], atOnce: 2, end }, signal);
      return [ending, outcome, { endsWith, had: 4, left: [] }] as const;
    });
    for (const [ending, outcome, expected] of await Promise.all(outcomes))
      expect({ [ending]: outcome }).toEqual({ [ending]: expected });
  });
});

function pick(...names: readonly (keyof typeof endings)[]): Partial<typeof endings> {
  return Object.fromEntries(names.map((name) => [name, endings[name]]));
}

/** How the program ended, how many creations it had started, and what exists of it at most 10 s later. */
async function endProgram(plan: ChildPlan, signal: NodeJS.Signals | undefined) {
  await using child = await startChild(plan);
  const { traces } = child;
  if (signal !== undefined) {
    await child.reached('done');
    child.signal(signal);
  }
  const end = await child.ended;
  const had = child.steps.filter(({ step }) => step === 'making' || step === 'made').length;
  const own = async () => pickOwn(await takeStock([traces.folder]), traces);
  await until(async () => (await own()).length === 0);
  return { endsWith: end.signal ?? end.code, had, left: (await own()).map(describeItem) };
}
