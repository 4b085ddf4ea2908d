import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AttemptFailure } from '../../lib/resources/cleanup-error';
import { inRemovalOrder } from '../../lib/resources/cleanup-items';
import { CleanupPlan, type CleanupLimits } from '../../lib/resources/cleanup-plan';
import type { ResourceKind } from '../../lib/core/kinds';
import type { Target } from '../../lib/resources/kind';

interface Planned extends Target {
  readonly labels?: Readonly<Record<string, string>>;
}

const order: readonly ResourceKind[] = ['compose-project', 'container', 'network', 'volume', 'image'];
const keyOf = ({ kind, id }: Target): string => `${kind} ${id}`;
/** `container a` is the container a; `container a@web` is one of the service web. */
function parse(text: string): Planned {
  const [kind, name] = text.split(' ') as [ResourceKind, string];
  const [id = '', service] = name.split('@');
  return service === undefined
    ? { kind, id }
    : { kind, id, labels: { 'com.docker.swarm.service.id': service } };
}

const failure = (change: Partial<AttemptFailure> = {}): AttemptFailure => ({
  error: new Error('busy'),
  reason: 'busy',
  isFinal: false,
  isAway: false,
  isOfService: false,
  ...change,
});

const retry = { maxAttempts: 3, firstPauseMs: 100, maxPauseMs: 150 };

/** A plan, and its clock. */
function openPlan(limits: Partial<CleanupLimits> = {}) {
  const plan = new CleanupPlan<Planned, string>({ maxConcurrent: 8, stuckMs: 1_000, ...limits }, keyOf);
  let nowMs = 10_000;
  const steps = {
    plan,
    at: (ms: number) => ((nowMs = 10_000 + ms), steps),
    listed: (found: readonly string[], unclear: readonly string[] = []) => {
      const kept = unclear.map((text) => ({ target: parse(text), reason: 'unclear' }));
      plan.listed({ found: found.map(parse), unclear: kept }, nowMs);
      return steps;
    },
    removed: (...all: readonly string[]) => {
      for (const text of all) plan.items.remove(parse(text), 'removed', nowMs);
      return steps;
    },
    failed: (text: string, change?: Partial<AttemptFailure>) => {
      plan.items.fail(parse(text), failure(change), nowMs);
      return steps;
    },
    /** What follows: the attempts to start, `list`, `over`, or when to ask again. */
    next: (): readonly string[] => {
      const { start, shouldList, isOver, wakeAtMs } = plan.next(nowMs);
      const waits = start.length === 0 && !shouldList && !isOver;
      return [
        ...start.map(keyOf),
        ...(shouldList ? ['list'] : []),
        ...(isOver ? ['over'] : []),
        ...(waits ? [`wait ${wakeAtMs - nowMs}`] : []),
      ];
    },
    progress: () => plan.items.all().map(({ target, progress }) => `${keyOf(target)}: ${progress}`),
  };
  return steps;
}

describe('the order of a cleanup', () => {
  it('starts all containers first, and networks when they are gone or have failed once', () => {
    const steps = openPlan({ retry });
    expect(steps.next()).toEqual(['list']);
    steps.listed(['image i', 'container a', 'volume v', 'network n', 'container b', 'network m']);
    expect(steps.next()).toEqual(['container a', 'container b']);
    steps.removed('container a');
    expect(steps.next()).toEqual(['wait 1000']);
    steps.failed('container b');
    expect(steps.next()).toEqual(['network n', 'network m']);
    steps.removed('network n', 'network m');
    expect(steps.next()).toEqual(['volume v']);
    steps.failed('volume v', { isFinal: true });
    expect(steps.next()).toEqual(['image i']);
  });

  it('starts a late container, whatever is being removed', () => {
    const steps = openPlan({ listEveryMs: 500 });
    steps.next();
    steps.listed(['network n']);
    expect(steps.next()).toEqual(['network n']);
    expect(steps.at(500).next()).toEqual(['list']);
    steps.listed(['network n', 'container late']);
    expect(steps.next()).toEqual(['container late']);
  });

  it('does not wait for attempts that have stalled, one kind after the other', () => {
    const steps = openPlan();
    steps.next();
    steps.listed(['container a', 'network n', 'volume v']);
    expect(steps.next()).toEqual(['container a']);
    expect(steps.at(999).next()).toEqual(['wait 1']);
    expect(steps.at(1_000).next()).toEqual(['network n']);
    expect(steps.at(2_000).next()).toEqual(['volume v']);
  });

  it('starts a limited number of attempts, which stuck ones do not use up', () => {
    const steps = openPlan({ maxConcurrent: 2 });
    steps.next();
    steps.listed(['container a', 'container b', 'container c', 'container d']);
    expect(steps.next()).toEqual(['container a', 'container b']);
    steps.at(10).removed('container a');
    expect(steps.next()).toEqual(['container c']);
    expect(steps.at(999).next()).toEqual(['wait 1']);
    expect(steps.at(1_000).next()).toEqual(['container d']);
  });

  it('starts no attempt in place of a slow one for as long as that counts as running', () => {
    const steps = openPlan({ maxConcurrent: 1, slotMs: 10_000 });
    steps.next();
    steps.listed(['container a', 'container b']);
    expect(steps.next()).toEqual(['container a']);
    expect(steps.at(1_000).next()).toEqual(['wait 9000']);
    expect(steps.at(10_000).next()).toEqual(['container b']);
  });

  it('includes every resource once, kind after kind', () => {
    const anyTargets = fc.uniqueArray(
      fc.record({ kind: fc.constantFrom(...order), id: fc.string({ maxLength: 3 }) }),
      { selector: keyOf, maxLength: 60 },
    );
    fc.assert(
      fc.property(anyTargets, fc.infiniteStream(fc.boolean()), (targets, fails) => {
        const plan = new CleanupPlan<Target, string>({ maxConcurrent: 4, stuckMs: 1_000 }, keyOf);
        plan.next(0);
        plan.listed({ found: targets }, 0);
        const started: Target[] = [];
        for (let step = plan.next(0); !step.isOver && !step.shouldList; step = plan.next(0)) {
          expect(new Set(step.start.map(({ kind }) => kind)).size).toBe(1);
          expect(step.start.length).toBeLessThanOrEqual(4);
          for (const target of step.start) {
            started.push(target);
            if (fails.next().value) plan.items.fail(target, failure(), 0);
            else plan.items.remove(target, 'removed', 0);
          }
        }
        expect(started).toEqual(inRemovalOrder(targets));
      }),
    );
  });
});

describe('the attempts of a cleanup', () => {
  it('are not repeated without a limit for retries', () => {
    const steps = openPlan();
    steps.next();
    steps.listed(['container a']).next();
    steps.failed('container a', { isAway: true });
    expect(steps.progress()).toEqual(['container a: left']);
  });

  it('pause longer each time, and end at the limit', () => {
    const steps = openPlan({ retry });
    steps.next();
    steps.listed(['container a']).next();
    expect(steps.failed('container a').next()).toEqual(['wait 100']);
    expect(steps.at(100).next()).toEqual(['container a']);
    expect(steps.failed('container a').next()).toEqual(['wait 150']);
    expect(steps.at(250).next()).toEqual(['container a']);
    steps.failed('container a');
    expect(steps.progress()).toEqual(['container a: left']);
    expect(steps.plan.items.takeSettled()).toMatchObject([{ attempts: 3, reason: 'busy', progress: 'left' }]);
  });

  it('end at once when the engine refuses', () => {
    const steps = openPlan({ retry });
    steps.next();
    steps.listed(['container a']).next();
    steps.failed('container a', { isFinal: true });
    expect(steps.progress()).toEqual(['container a: left']);
  });

  it('count while the engine is away only if it has answered a listing since', () => {
    const steps = openPlan({ retry, listEveryMs: 1_000 });
    steps.next();
    steps.listed(['container a']);
    for (const ms of [10, 200, 400, 600, 800]) {
      expect(steps.at(ms).next()).toEqual(['container a']);
      steps.failed('container a', { isAway: true });
    }
    for (const ms of [1_000, 2_100, 3_200]) {
      expect(steps.progress()).toEqual(['container a: pausing']);
      expect(steps.at(ms).next()).toEqual(['container a', 'list']);
      steps
        .at(ms + 1)
        .listed(['container a'])
        .at(ms + 2)
        .failed('container a', { isAway: true });
    }
    expect(steps.progress()).toEqual(['container a: left']);
  });

  it('are one for all containers of a service until it is gone', () => {
    const steps = openPlan();
    steps.next();
    steps.listed(['container a@web', 'container b@web', 'container c']);
    expect(steps.next()).toEqual(['container a', 'container c']);
    steps.removed('container a@web');
    expect(steps.next()).toEqual(['container b']);
  });

  it('end for all containers of a service that is kept, which are reported once', () => {
    const steps = openPlan();
    steps.next();
    steps.listed(['container a@web', 'container b@web']).next();
    steps.failed('container a@web', { isOfService: true, isFinal: true });
    expect(steps.plan.items.takeSettled()).toHaveLength(1);
    expect(steps.progress()).toEqual(['container a: left', 'container b: left']);
    expect(steps.next()).toEqual(['list']);
    steps.listed(['container a@web', 'container b@web', 'container c@web']);
    expect(steps.next()).toEqual(['over']);
  });

  it('end when the service cannot be inspected', () => {
    const steps = openPlan({ retry });
    steps.next();
    steps.listed(['container a@web', 'container b@web']);
    for (const ms of [0, 1_000, 2_000]) {
      expect(steps.at(ms).next()).toEqual(['container a']);
      steps.failed('container a@web', { isOfService: true });
    }
    expect(steps.progress()).toEqual(['container a: left', 'container b: left']);
  });
});

describe('the listings of a cleanup', () => {
  it('are repeated until one finds nothing', () => {
    const steps = openPlan();
    expect(steps.next()).toEqual(['list']);
    steps.listed(['container a']).next();
    expect(steps.removed('container a').next()).toEqual(['list']);
    expect(steps.listed(['container b']).next()).toEqual(['container b']);
    expect(steps.removed('container b').next()).toEqual(['list']);
    expect(steps.listed([]).next()).toEqual(['over']);
    expect(steps.plan.cutShort).toBeUndefined();
  });

  it('find no resource again that was given up, or that is unclear', () => {
    const steps = openPlan();
    steps.next();
    steps.listed(['container a'], ['image i']).next();
    steps.failed('container a').next();
    expect(steps.listed(['container a', 'image i']).next()).toEqual(['over']);
    expect(steps.progress()).toEqual(['image i: unclear', 'container a: left']);
  });

  it('drop a resource that others removed before its turn', () => {
    const steps = openPlan({ listEveryMs: 100 });
    steps.next();
    steps.listed(['container a', 'network n']).next();
    steps.at(100).next();
    steps.listed(['container a']);
    expect(steps.removed('container a').next()).toEqual(['list']);
  });

  it('ignore a resource that was removed since they were requested, and find one that exists again', () => {
    const steps = openPlan({ listEveryMs: 100, maxRepeats: 2 });
    steps.next();
    steps.listed(['volume v']).next();
    expect(steps.at(100).next()).toEqual(['list']);
    steps.at(110).removed('volume v');
    expect(steps.at(120).listed(['volume v']).next()).toEqual(['list']);
    expect(steps.at(130).listed(['volume v']).next()).toEqual(['volume v']);
    steps.at(140).removed('volume v').at(150).next();
    steps.listed(['volume v']);
    expect(steps.plan.items.all()).toMatchObject([
      { progress: 'left', reason: 'still listed after 2 removals' },
    ]);
  });

  it('are repeated with pauses once nothing is left', () => {
    const steps = openPlan({ settlePausesMs: [50, 200] });
    steps.next();
    expect(steps.listed([]).next()).toEqual(['wait 50']);
    expect(steps.at(50).next()).toEqual(['list']);
    expect(steps.listed([]).next()).toEqual(['wait 200']);
    expect(steps.at(250).next()).toEqual(['list']);
    expect(steps.listed([]).next()).toEqual(['over']);
  });

  it('start their pauses again when one finds something', () => {
    const steps = openPlan({ settlePausesMs: [50] });
    steps.next();
    steps.listed([]).at(50).next();
    expect(steps.listed(['container late']).next()).toEqual(['container late']);
    expect(steps.removed('container late').next()).toEqual(['list']);
    expect(steps.listed([]).next()).toEqual(['wait 50']);
  });

  it('are one when it is empty, and no creation can be in flight', () => {
    const steps = openPlan({ settlePausesMs: [50], settledAtMs: 10_000 });
    steps.next();
    expect(steps.listed([]).next()).toEqual(['over']);
  });

  it('are not repeated after a failure without time to list', () => {
    const steps = openPlan({ endsAtMs: 11_000 });
    steps.next();
    steps.listed(['container a']).next();
    expect(steps.at(995).failed('container a').next()).toEqual(['over']);
  });

  it('are not repeated when all resources are known', () => {
    const steps = openPlan({ isListedOnce: true });
    steps.listed(['container a']).next();
    expect(steps.next()).toEqual(['wait 1000']);
    expect(steps.removed('container a').next()).toEqual(['over']);
  });

  it('end the cleanup when there are more resources than may be removed', () => {
    const steps = openPlan({ refuse: (count) => (count > 2 ? `${count} are too many` : undefined) });
    steps.next();
    steps.listed(['volume a', 'volume b']).next();
    steps.removed('volume a', 'volume b').next();
    expect(steps.listed(['volume c']).next()).toEqual(['over']);
    expect(steps.plan.cutShort).toBe('3 are too many');
  });
});

describe('a cleanup that is asked to shut down', () => {
  it('lists, removes what it finds, and lists once more', () => {
    const steps = openPlan({ settlePausesMs: [50], listEveryMs: 2_000 });
    steps.next();
    steps.listed(['container a']).next();
    steps.plan.shutDown('asked to end');
    expect(steps.at(10).next()).toEqual(['list']);
    expect(steps.listed(['container a', 'container b']).next()).toEqual(['container b']);
    expect(steps.at(20).removed('container a', 'container b').next()).toEqual(['list']);
    steps.listed(['container c']);
    expect(steps.next()).toEqual(['over']);
    expect(steps.plan.cutShort).toBe('asked to end; resources left: 1');
  });

  it('ends with the first empty listing', () => {
    const steps = openPlan({ settlePausesMs: [50] });
    steps.next();
    steps.listed([]);
    steps.plan.shutDown('asked to end');
    expect(steps.next()).toEqual(['list']);
    expect(steps.listed([]).next()).toEqual(['over']);
    expect(steps.plan.cutShort).toBeUndefined();
  });

  it('waits as long as removals succeed, but 3 s for the next one', () => {
    const steps = openPlan({ maxConcurrent: 2, stuckMs: 60_000 });
    steps.plan.shutDown('asked to end');
    steps.next();
    steps.listed(['container a', 'container b']).next();
    expect(steps.at(2_000).removed('container a').next()).toEqual(['wait 3000']);
    expect(steps.at(5_000).next()).toEqual(['list']);
    expect(steps.listed(['container b']).next()).toEqual(['over']);
    expect(steps.plan.cutShort).toBe('asked to end; resources left: 1');
  });
});
