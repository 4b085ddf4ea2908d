import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cleanupAll } from '../../lib/resources/cleanup-all';
import { inRemovalOrder } from '../../lib/resources/cleanup-items';
import type { ResourceKind } from '../../lib/core/kinds';
import type { Target } from '../../lib/resources/kind';

const order: readonly ResourceKind[] = ['compose-project', 'container', 'network', 'volume', 'image'];

const anyTargets: fc.Arbitrary<Target[]> = fc.array(
  fc.record({ kind: fc.constantFrom(...order), id: fc.string({ minLength: 1, maxLength: 4 }) }),
  { maxLength: 80 },
);

/** Creates an attempt that records what runs at once, and fails for the ids in `broken`. */
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

describe('cleanupAll, for known resources', () => {
  it('tries each once, and never two kinds or more than 32 at once', async () => {
    await fc.assert(
      fc.asyncProperty(anyTargets, async (targets) => {
        const cleaner = openCleaner();
        const { items, errors, cutShort } = await cleanupAll(targets, cleaner.clean);
        expect(items.map(({ target }) => target)).toEqual(inRemovalOrder(targets));
        expect({ errors, cutShort }).toEqual({ errors: [], cutShort: undefined });
        expect(cleaner.started).toHaveLength(targets.length);
        for (const running of cleaner.together) {
          expect(new Set(running.map(({ kind }) => kind)).size).toBe(1);
          expect(running.length).toBeLessThanOrEqual(32);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('tries several of one kind at once, but not a thousand', async () => {
    const cleaner = openCleaner();
    const targets = Array.from({ length: 1_000 }, (_, index): Target => ({
      kind: 'network',
      id: `${index}`,
    }));
    await cleanupAll(targets, cleaner.clean);
    const mostTogether = Math.max(...cleaner.together.map((running) => running.length));
    expect(mostTogether).toBeGreaterThanOrEqual(8);
    expect(mostTogether).toBeLessThan(1_000);
  });

  it('keeps every failure, and continues with the rest', async () => {
    await fc.assert(
      fc.asyncProperty(anyTargets, fc.func(fc.boolean()), async (targets, isBroken) => {
        const broken = new Set(targets.map(({ id }) => id).filter((id) => isBroken(id)));
        const { items, errors } = await cleanupAll(targets, openCleaner(broken).clean);
        expect(items).toHaveLength(targets.length);
        for (const { target, result, error } of items) {
          const expected = broken.has(target.id)
            ? [undefined, new Error(`${target.id} is stuck`)]
            : [target.id, undefined];
          expect([result, error]).toEqual(expected);
        }
        expect(errors).toHaveLength(targets.filter(({ id }) => broken.has(id)).length);
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
    const { items } = await cleanupAll([...stuck, ...others], clean, { stuckMs: 5 });
    expect(ended.slice(0, 3)).toEqual(['c', 'n', 'v']);
    expect(items.map(({ target, result }) => [target, result])).toEqual(
      [...stuck, ...others].map((target) => [target, target.id]),
    );
  });

  it('keeps the failure of an attempt that throws synchronously', async () => {
    const { items } = await cleanupAll([{ kind: 'volume', id: 'v' }], () => {
      throw new Error('at once');
    });
    expect(items).toMatchObject([{ progress: 'left', error: new Error('at once') }]);
  });

  it('does not try a resource without time', async () => {
    const targets = [{ kind: 'container', id: 'f'.repeat(64), name: 'web' } as const];
    const cleaner = openCleaner();
    const { errors } = await cleanupAll(targets, cleaner.clean, { timeoutMs: 0 });
    expect(errors).toMatchObject([
      { code: 'DEADLINE_EXCEEDED', message: 'remove container web: not tried: out of time' },
    ]);
    expect(cleaner.started).toEqual([]);
  });

  it('tries nothing once its signal has aborted, and reports the reason for each', async () => {
    const reason = { not: 'even an error' };
    const targets: Target[] = ['a', 'b'].map((id) => ({ kind: 'container', id }));
    const cleaner = openCleaner();
    const { errors, cutShort } = await cleanupAll(targets, cleaner.clean, {
      signal: AbortSignal.abort(reason),
    });
    expect({ errors, cutShort }).toEqual({ errors: [reason, reason], cutShort: reason });
    expect(cleaner.started).toEqual([]);
  });

  it('awaits the attempts under way when its signal aborts, asks them to stop, and counts only removals', async () => {
    const leaving = new AbortController();
    const { promise: isStopped, resolve } = Promise.withResolvers<string>();
    const clean = async ({ id }: Target, { stop }: { readonly stop: AbortSignal }): Promise<string> => {
      stop.addEventListener('abort', () => resolve(String(stop.reason)));
      setImmediate(() => leaving.abort('enough'));
      const reason = await isStopped;
      if (id === 'b') throw new Error(`not tried again: ${reason}`);
      return reason;
    };
    const { items, errors } = await cleanupAll(
      [
        { kind: 'container', id: 'a' },
        { kind: 'container', id: 'b' },
        { kind: 'network', id: 'n' },
      ],
      clean,
      { signal: leaving.signal },
    );
    expect(items.map(({ progress, result }) => [progress, result])).toEqual([
      ['gone', 'enough'],
      ['trying', undefined],
      ['waiting', undefined],
    ]);
    expect(errors).toEqual(['enough', 'enough']);
  });
});

describe('cleanupAll, for listed resources', () => {
  it('lists until nothing new is found, and reports each resource as it is settled', async () => {
    const listings = [['a', 'b'], ['c'], []];
    const settled: string[] = [];
    const { items } = await cleanupAll<Target, string>(
      async () => ({
        found: (listings.shift() ?? []).map((id) => ({ kind: 'container' as const, id })),
        unclear: [{ target: { kind: 'image', id: 'i' }, reason: 'inherited' }],
      }),
      openCleaner(new Set(['b'])).clean,
      { onSettled: ({ target: { id }, progress }) => settled.push(`${id} ${progress}`) },
    );
    expect(settled).toEqual(['i unclear', 'a gone', 'b left', 'c gone']);
    expect(items).toHaveLength(4);
    expect(listings).toEqual([]);
  });

  it('ends with the error of a listing, and keeps what was removed before', async () => {
    let lists = 0;
    const { items, cutShort } = await cleanupAll<Target, string>(async () => {
      lists += 1;
      if (lists === 2) throw new Error('no engine');
      return { found: [{ kind: 'container', id: 'a' }] };
    }, openCleaner().clean);
    expect(items).toMatchObject([{ progress: 'gone', result: 'a' }]);
    expect(cutShort).toEqual(new Error('no engine'));
  });
});
