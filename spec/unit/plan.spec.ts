import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ResourceKind } from '../../lib/resources/kind';
import { cleanupMany, planRemovals, type Target } from '../../lib/resources/plan';

const order: readonly ResourceKind[] = ['compose-project', 'container', 'network', 'volume', 'image'];

const anyTargets: fc.Arbitrary<Target[]> = fc.array(
  fc.record({ kind: fc.constantFrom(...order), id: fc.string({ minLength: 1, maxLength: 4 }) }),
  { maxLength: 80 },
);

describe('planRemovals', () => {
  it('orders containers before networks before volumes before images', () => {
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

  it('keeps every target, grouped by kind, in the given order', () => {
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

/** Creates a cleanup that records what runs at once, and fails for the ids in `broken`. */
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

describe('cleanupMany', () => {
  it('cleans up each target once, and never two kinds or more than 32 at once', async () => {
    await fc.assert(
      fc.asyncProperty(anyTargets, async (targets) => {
        const cleaner = openCleaner();
        const outcomes = await cleanupMany(targets, cleaner.clean);
        expect(outcomes.map(({ target }) => target)).toEqual(planRemovals(targets).flat());
        expect(cleaner.started).toHaveLength(targets.length);
        for (const running of cleaner.together) {
          expect(new Set(running.map(({ kind }) => kind)).size).toBe(1);
          expect(running.length).toBeLessThanOrEqual(32);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('cleans up several targets of one kind at once, but not a thousand', async () => {
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

  it('keeps every failure, and continues with the rest', async () => {
    await fc.assert(
      fc.asyncProperty(anyTargets, fc.func(fc.boolean()), async (targets, isBroken) => {
        const broken = new Set(targets.map(({ id }) => id).filter((id) => isBroken(id)));
        const outcomes = await cleanupMany(targets, openCleaner(broken).clean);
        expect(outcomes).toHaveLength(targets.length);
        for (const { target, result, error } of outcomes) {
          const expected = broken.has(target.id)
            ? [undefined, new Error(`${target.id} is stuck`)]
            : [target.id, undefined];
          expect([result, error]).toEqual(expected);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('continues past stuck removals, within their kind and with later kinds, and awaits them at the end', async () => {
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
    const outcomes = await cleanupMany([...stuck, ...others], clean, { stuckMs: 5 });
    expect(ended.slice(0, 3)).toEqual(['c', 'n', 'v']);
    expect(outcomes.map(({ target, result }) => [target, result])).toEqual(
      planRemovals([...stuck, ...others])
        .flat()
        .map((target) => [target, target.id]),
    );
  });

  it('keeps the failure of a cleanup that throws synchronously', async () => {
    const outcomes = await cleanupMany([{ kind: 'volume', id: 'v' }], () => {
      throw new Error('at once');
    });
    expect(outcomes).toEqual([{ target: { kind: 'volume', id: 'v' }, error: new Error('at once') }]);
  });
});
