import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Meaning } from '../../lib/engine/answers';
import {
  advance,
  initialRemovalState,
  outcomeOf,
  type RemovalStart,
  type RemovalState,
  type Step,
  type StepAnswer,
} from '../../lib/resources/removal';

const byId: RemovalStart = {
  isImmutableId: true,
  isKnownToExist: false,
  isStopWanted: false,
  isDetachable: false,
};
const byInspectedName: RemovalStart = { ...byId, isImmutableId: false, isKnownToExist: true };
const byName: RemovalStart = { ...byId, isImmutableId: false };

/** Returns the states of a removal that gets these answers, including the initial one. */
function walk(start: RemovalStart, answers: readonly StepAnswer[]): readonly RemovalState[] {
  const states = [initialRemovalState(start)];
  for (const answer of answers) states.push(advance(states.at(-1) ?? initialRemovalState(start), answer));
  return states;
}

const paused: StepAnswer = { meaning: 'done' };
const running: StepAnswer = { meaning: 'done', status: 'running' };
const removing: StepAnswer = { meaning: 'done', status: 'removing' };
const dead: StepAnswer = { meaning: 'done', status: 'dead' };
const answerOf = (meaning: Meaning): StepAnswer => ({ meaning });

/** Answers, each with the step that it leads to. */
type Story = readonly (readonly [answer: StepAnswer, then: Step])[];

const stories: readonly [
  name: string,
  start: RemovalStart,
  first: Step,
  story: Story,
  outcome: string | undefined,
][] = [
  [
    'a removal that succeeds',
    byId,
    'remove',
    [
      [answerOf('done'), 'inspect'],
      [answerOf('gone'), 'finish'],
    ],
    'removed',
  ],
  [
    'a removal without verification',
    { ...byId, verify: false },
    'remove',
    [[answerOf('done'), 'finish']],
    'removed',
  ],
  ['a resource that is already gone', byId, 'remove', [[answerOf('gone'), 'finish']], 'already-gone'],
  [
    'a resource that disappears between the inspection and the removal',
    byInspectedName,
    'remove',
    [[answerOf('gone'), 'finish']],
    'removed-elsewhere',
  ],
  ['an unknown name', byName, 'inspect', [[answerOf('gone'), 'finish']], 'already-gone'],
  [
    "another client's removal, observed to completion",
    byId,
    'remove',
    [
      [answerOf('being-removed'), 'wait-for-removal'],
      [answerOf('done'), 'inspect'],
      [answerOf('gone'), 'finish'],
    ],
    'removed-elsewhere',
  ],
  [
    "another client's removal, found by an inspection",
    byName,
    'inspect',
    [
      [removing, 'wait-for-removal'],
      [answerOf('gone'), 'finish'],
    ],
    'removed-elsewhere',
  ],
  [
    "another client's removal that fails",
    byId,
    'remove',
    [
      [answerOf('being-removed'), 'wait-for-removal'],
      [answerOf('done'), 'inspect'],
      [dead, 'pause'],
      [paused, 'remove'],
      [answerOf('done'), 'inspect'],
      [answerOf('gone'), 'finish'],
    ],
    'removed',
  ],
  [
    "another client's removal that takes longer than a wait",
    byId,
    'remove',
    [
      [answerOf('being-removed'), 'wait-for-removal'],
      [answerOf('done'), 'inspect'],
      [removing, 'pause'],
      [paused, 'inspect'],
      [removing, 'wait-for-removal'],
      [answerOf('gone'), 'finish'],
    ],
    'removed-elsewhere',
  ],
  [
    'a removal that is reported as done but is not',
    byId,
    'remove',
    [
      [answerOf('done'), 'inspect'],
      [running, 'pause'],
      [paused, 'remove'],
      [answerOf('done'), 'inspect'],
      [answerOf('gone'), 'finish'],
    ],
    'removed',
  ],
  [
    'a removal whose response is lost',
    byId,
    'remove',
    [
      [answerOf('engine-away'), 'pause'],
      [paused, 'inspect'],
      [answerOf('gone'), 'finish'],
    ],
    'removed',
  ],
  [
    'a removal that continues after its response is lost',
    byId,
    'remove',
    [
      [answerOf('engine-away'), 'pause'],
      [paused, 'inspect'],
      [removing, 'wait-for-removal'],
      [answerOf('gone'), 'finish'],
    ],
    'removed',
  ],
  [
    'a removal that fails once',
    byId,
    'remove',
    [
      [answerOf('failed'), 'pause'],
      [paused, 'inspect'],
      [dead, 'remove'],
      [answerOf('done'), 'inspect'],
      [answerOf('gone'), 'finish'],
    ],
    'removed',
  ],
  ['a refusal', byId, 'remove', [[answerOf('refused'), 'give-up']], undefined],
  ['a refused inspection', byName, 'inspect', [[answerOf('refused'), 'give-up']], undefined],
  [
    'a resource that cannot be inspected',
    byId,
    'remove',
    [
      [answerOf('failed'), 'pause'],
      [paused, 'inspect'],
      [answerOf('failed'), 'pause'],
      [paused, 'remove'],
      [answerOf('done'), 'inspect'],
      [answerOf('failed'), 'pause'],
      [paused, 'remove'],
      [answerOf('gone'), 'finish'],
    ],
    'removed',
  ],
  [
    'a name that cannot be inspected',
    byName,
    'inspect',
    [
      [answerOf('failed'), 'pause'],
      [paused, 'inspect'],
      [answerOf('failed'), 'pause'],
      [paused, 'inspect'],
    ],
    undefined,
  ],
  [
    'a busy resource known only by name, which others may reuse during a pause',
    byInspectedName,
    'remove',
    [
      [answerOf('busy'), 'pause'],
      [paused, 'inspect'],
      [running, 'remove'],
      [answerOf('done'), 'inspect'],
      [running, 'pause'],
      [paused, 'inspect'],
      [running, 'remove'],
    ],
    undefined,
  ],
  [
    'a busy network',
    { ...byId, isDetachable: true },
    'remove',
    [
      [answerOf('busy'), 'detach'],
      [answerOf('done'), 'pause'],
      [paused, 'remove'],
      [answerOf('done'), 'inspect'],
      [answerOf('gone'), 'finish'],
    ],
    'removed',
  ],
  [
    'a graceful stop',
    { ...byId, isStopWanted: true },
    'stop',
    [
      [answerOf('done'), 'remove'],
      [answerOf('done'), 'inspect'],
      [answerOf('gone'), 'finish'],
    ],
    'removed',
  ],
  [
    'a graceful stop whose response is lost twice',
    { ...byId, isStopWanted: true },
    'stop',
    [
      [answerOf('engine-away'), 'pause'],
      [paused, 'inspect'],
      [running, 'stop'],
      [answerOf('engine-away'), 'pause'],
      [paused, 'inspect'],
      [running, 'remove'],
    ],
    undefined,
  ],
  [
    'a graceful stop of an auto-removed container',
    { ...byId, isStopWanted: true },
    'stop',
    [
      [answerOf('done'), 'remove'],
      [answerOf('gone'), 'finish'],
    ],
    'removed-elsewhere',
  ],
];

describe('a removal', () => {
  it.each(stories)('handles %s', (_name, start, first, story, outcome) => {
    const states = walk(
      start,
      story.map(([answer]) => answer),
    );
    expect(states.map(({ step }) => step)).toEqual([first, ...story.map(([, step]) => step)]);
    const last = states.at(-1);
    expect(last?.step === 'finish' ? outcomeOf(last) : undefined).toBe(outcome);
  });

  it('knows from an earlier inspection that a resource existed, also for an id', () => {
    const gone = walk({ ...byId, isKnownToExist: true }, [answerOf('gone')]).at(-1);
    expect(gone && outcomeOf(gone)).toBe('removed-elsewhere');
  });
});

const meanings: readonly Meaning[] = [
  'done',
  'gone',
  'being-removed',
  'busy',
  'failed',
  'engine-away',
  'refused',
];

const anyStart: fc.Arbitrary<RemovalStart> = fc.record({
  isImmutableId: fc.boolean(),
  isKnownToExist: fc.boolean(),
  isStopWanted: fc.boolean(),
  isDetachable: fc.boolean(),
});

const anyAnswer: fc.Arbitrary<StepAnswer> = fc.record(
  {
    meaning: fc.constantFrom(...meanings),
    status: fc.constantFrom('created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'),
  },
  { requiredKeys: ['meaning'] },
);

/** Most answers do not finish the removal, so that walks are long. */
const anyWalk = fc.tuple(
  anyStart,
  fc.array(
    fc.oneof(
      { weight: 4, arbitrary: anyAnswer.filter(({ meaning }) => !['gone', 'refused'].includes(meaning)) },
      { weight: 1, arbitrary: anyAnswer },
    ),
    {
      maxLength: 60,
    },
  ),
);

/** Returns each step of a walk with its answer and the next state. */
function taken([start, answers]: readonly [RemovalStart, readonly StepAnswer[]]) {
  const states = walk(start, answers);
  return answers.map((answer, index) => {
    const [before, after] = [states[index], states[index + 1]];
    if (before === undefined || after === undefined) throw new Error('a walk has a state more than answers');
    return { before, answer, after };
  });
}

const isEnd = ({ step }: RemovalState): boolean => step === 'finish' || step === 'give-up';

describe('a removal, for any sequence of answers', () => {
  it('finishes only with an answer that the resource is gone', () => {
    fc.assert(
      fc.property(anyWalk, (sequence) => {
        for (const { before, answer, after } of taken(sequence)) {
          if (!isEnd(before) && after.step === 'finish') expect(answer.meaning).toBe('gone');
          if (!isEnd(before) && after.step === 'give-up') expect(answer.meaning).toBe('refused');
        }
      }),
    );
  });

  it('stays in a final state', () => {
    fc.assert(
      fc.property(anyWalk, (sequence) => {
        for (const { before, after } of taken(sequence)) if (isEnd(before)) expect(after).toBe(before);
      }),
    );
  });

  it('results in `removed-elsewhere` only for a resource that existed', () => {
    fc.assert(
      fc.property(anyWalk, (sequence) => {
        let wasThere = sequence[0].isKnownToExist;
        for (const { before, answer, after } of taken(sequence)) {
          if (after.step === 'finish' && outcomeOf(after) === 'removed-elsewhere')
            expect(wasThere).toBe(true);
          const isAboutIt = !['pause', 'detach', 'wait-for-removal'].includes(before.step);
          wasThere ||= isAboutIt && !['gone', 'engine-away', 'refused'].includes(answer.meaning);
        }
      }),
    );
  });

  it('results in `removed` only when a removal was sent, and in `already-gone` only when none was accepted', () => {
    fc.assert(
      fc.property(anyWalk, (sequence) => {
        const steps = taken(sequence);
        const end = steps.findIndex(({ after }) => after.step === 'finish');
        const last = steps[end]?.after;
        if (last === undefined) return;
        const removals = steps.slice(0, end + 1).filter(({ before }) => before.step === 'remove');
        const isTaken = removals.some(({ answer }) =>
          ['done', 'failed', 'engine-away'].includes(answer.meaning),
        );
        expect(outcomeOf(last) === 'removed').toBe(isTaken);
        expect(last.removals).toBe(removals.length);
      }),
    );
  });

  it('never makes more than five calls without a pause', () => {
    fc.assert(
      fc.property(anyWalk, (sequence) => {
        let calls = 0;
        for (const { before } of taken(sequence)) {
          calls = before.step === 'pause' || isEnd(before) ? 0 : calls + 1;
          expect(calls).toBeLessThanOrEqual(5);
        }
      }),
    );
  });

  it('never sends a second removal without a pause', () => {
    fc.assert(
      fc.property(anyWalk, (sequence) => {
        let removals = 0;
        for (const { before } of taken(sequence)) {
          if (before.step === 'pause') removals = 0;
          if (before.step === 'remove') removals += 1;
          expect(removals).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('sends a removal by name only right after an inspection or a stop', () => {
    fc.assert(
      fc.property(anyWalk, ([start, answers]) => {
        const steps = taken([{ ...start, isImmutableId: false }, answers]).map(({ before }) => before.step);
        for (const [index, step] of steps.entries()) {
          const isFirst = index === 0 && start.isKnownToExist;
          if (step === 'remove' && !isFirst) expect(['inspect', 'stop']).toContain(steps[index - 1]);
        }
      }),
    );
  });

  it('pauses when a removal is reported as done but the resource still exists', () => {
    fc.assert(
      fc.property(anyWalk, (sequence) => {
        let isReportedDone = false;
        for (const { before, answer, after } of taken(sequence)) {
          if (before.step === 'inspect' && answer.meaning === 'done' && isReportedDone)
            expect(after.step).toBe('pause');
          isReportedDone = ['remove', 'wait-for-removal'].includes(before.step) && answer.meaning === 'done';
        }
      }),
    );
  });

  it('stops at most twice, only when wanted, and detaches only where supported', () => {
    fc.assert(
      fc.property(anyWalk, (sequence) => {
        const steps = taken(sequence).map(({ before }) => before.step);
        const stops = steps.filter((step) => step === 'stop').length;
        expect(stops).toBeLessThanOrEqual(sequence[0].isStopWanted ? 2 : 0);
        if (!sequence[0].isDetachable) expect(steps).not.toContain('detach');
      }),
    );
  });

  it('finishes once the engine reports the resource as gone', () => {
    fc.assert(
      fc.property(anyWalk, ([start, answers]) => {
        let state = walk(start, answers).at(-1) ?? initialRemovalState(start);
        // After a pause or a detach, at most this many calls precede one that reports it gone.
        for (let asked = 0; asked < 4 && !isEnd(state); asked += 1) {
          const isAboutIt = state.step !== 'pause' && state.step !== 'detach';
          state = advance(state, answerOf(isAboutIt ? 'gone' : 'done'));
        }
        expect(isEnd(state)).toBe(true);
      }),
    );
  });
});
