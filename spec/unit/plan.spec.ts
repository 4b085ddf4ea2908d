import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ResourceKind } from '../../lib/resources/kind';
import { cleanupMany, planRemovals, type Target } from '../../lib/resources/plan';

const order: readonly ResourceKind[] = ['compose-project', 'container', 'network', 'volume', 'image'];

const anyTargets: fc.Arbitrary<Target[]> = fc.array(
  fc.record({ kind: fc.constantFrom(...order), id: fc.string({ minLength: 1, maxLength: 4 }) }),
  { maxLength: 80 },
);

describe('the plan for many', () => {
  it('puts containers before networks before volumes before images', () => {
    const targets: Target[] = [
      { kind: 'image', id: 'i' },
      { kind: 'volume', id: 'v' },
      { kind: 'container', id: 'c' },
      { kind: 'network', id: 'n' },
      { kind: 'container', id: 'd' },
    ];
    expect(planRemovals(targets).map((group) => group.map(({ id }) => id))).toEqual([
      ['c', 'd'],
      ['n'],
      ['v'],
      ['i'],
    ]);
  });

  it('keeps every target, one kind a group, in the order in which they came', () => {
    fc.assert(
      fc.property(anyTargets, (targets) => {
        const groups = planRemovals(targets);
        const kinds = groups.map((group) => group[0]?.kind);
        expect(kinds).toEqual(order.filter((kind) => targets.some((target) => target.kind === kind)));
        for (const group of groups) {
          expect(group).toEqual(targets.filter(({ kind }) => kind === group[0]?.kind));
        }
      }),
    );
  });
});

/** A cleaner that notes what runs at once, and fails for the ids in `broken`. */
function openCleaner(broken: ReadonlySet<string> = new Set()) {
  const running: Target[] = [];
  const started: Target[] = [];
  const together: (readonly Target[])[] = [];
  const clean = async (target: Target): Promise<string> => {
    running.push(target);
    started.push(target);
    together.push([...running]);
    await new Promise((resolve) => setImmediate(resolve));
    running.splice(running.indexOf(target), 1);
    if (broken.has(target.id)) throw new Error(`${target.id} is stuck`);
    return target.id;
  };
  return { clean, started, together };
}

describe('cleaning up many', () => {
  it('cleans each target once, and never two kinds or more than 32 at once', async () => {
    await fc.assert(
      fc.asyncProperty(anyTargets, async (targets) => {
        const cleaner = openCleaner();
        const ends = await cleanupMany(targets, cleaner.clean);
        expect(ends.map(({ target }) => target)).toEqual(planRemovals(targets).flat());
        expect(cleaner.started).toHaveLength(targets.length);
        for (const running of cleaner.together) {
          expect(new Set(running.map(({ kind }) => kind)).size).toBe(1);
          expect(running.length).toBeLessThanOrEqual(32);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('cleans several of one kind at once, but never a thousand', async () => {
    const cleaner = openCleaner();
    const targets = Array.from({ length: 1_000 }, (_, index): Target => ({
      kind: 'network',
      id: `${index}`,
    }));
    await cleanupMany(targets, cleaner.clean);
    const mostTogether = Math.max(...cleaner.together.map((running) => running.length));
    expect(mostTogether).toBeGreaterThanOrEqual(8);
    expect(mostTogether).toBeLessThan(1_000);
  });

  it('keeps every failure, and lets none stop the rest', async () => {
    await fc.assert(
      fc.asyncProperty(anyTargets, fc.func(fc.boolean()), async (targets, isBroken) => {
        const broken = new Set(targets.map(({ id }) => id).filter((id) => isBroken(id)));
        const ends = await cleanupMany(targets, openCleaner(broken).clean);
        expect(ends).toHaveLength(targets.length);
        for (const { target, result, error } of ends) {
          const expected = broken.has(target.id)
            ? [undefined, new Error(`${target.id} is stuck`)]
            : [target.id, undefined];
          expect([result, error]).toEqual(expected);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('goes on to what comes after those that are stuck, in their kind and in later ones, and waits for them at the end', async () => {
    const stuck = Array.from({ length: 40 }, (_, at): Target => ({ kind: 'container', id: `stuck-${at}` }));
    const others: Target[] = [
      { kind: 'container', id: 'c' },
      { kind: 'network', id: 'n' },
      { kind: 'volume', id: 'v' },
    ];
    const { promise: isFree, resolve: free } = Promise.withResolvers<void>();
    const ended: string[] = [];
    const clean = async ({ id }: Target): Promise<string> => {
      if (id.startsWith('stuck')) await isFree;
      ended.push(id);
      if (id === 'v') free();
      return id;
    };
    const ends = await cleanupMany([...stuck, ...others], clean, { stuckMs: 5 });
    expect(ended.slice(0, 3)).toEqual(['c', 'n', 'v']);
    expect(ends.map(({ target, result }) => [target, result])).toEqual(
      planRemovals([...stuck, ...others])
        .flat()
        .map((target) => [target, target.id]),
    );
  });

  it('keeps the failure of a cleaner that throws before it waits', async () => {
    const ends = await cleanupMany([{ kind: 'volume', id: 'v' }], () => {
      throw new Error('at once');
    });
    expect(ends).toEqual([{ target: { kind: 'volume', id: 'v' }, error: new Error('at once') }]);
  });
});
