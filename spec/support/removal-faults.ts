import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isCastoffError } from '../../lib/index';
import type { RemovableKind } from '../../lib/engine/removable-kind';
import { cleanupByKind } from './cleanup-by-kind';
import { openFaultProxy, type FaultProxy } from './fault-proxy';
import { faultsOf, removalTarget, type FaultRow } from './fault-table';
import { createThing, exists, removeByHand } from './things';

/** Long enough for one unanswered call, short enough for a suite: an unanswered call is given a sixth of it. */
const timeoutMs = 3_000;

const outcomes: Partial<Record<FaultRow['name'], readonly string[]>> = {
  404: ['already-gone', 'removed-elsewhere'],
  '409 in progress, then gone': ['removed-elsewhere'],
  '409 in progress, then gone, and the wait is cut off': ['removed-elsewhere'],
  'busy, then gone': ['removed-elsewhere'],
};

/** Says how the cleanup of one kind meets every row of the fault table, on the real engine. */
export function describeRemovalFaults(kind: RemovableKind): void {
  describe(`cleanup of a ${kind} when the engine answers with`, () => {
    let proxy: FaultProxy;
    beforeAll(async () => void (proxy = await openFaultProxy()));
    afterAll(() => proxy.close());

    const applying = faultsOf(removalTarget(kind, 'any'));
    it.each(applying.map((row) => [row.name, row.leaves, row] as const))(
      '%s leaves it %s',
      async (_name, leaves, row) => {
        const id = await createThing(kind);
        const target = removalTarget(kind, id);
        const armed = await row.arm(proxy, target);
        const leaving = new AbortController();
        const ask = () =>
          cleanupByKind[kind](id, { engine: proxy.address, timeoutMs, signal: leaving.signal });
        const asked = Promise.allSettled(row.asked === 'twice at once' ? [ask(), ask()] : [ask()]);
        if (row.asked === 'aborted') {
          await proxy.until(({ method, path }) => `${method} ${path}`.startsWith(target.removal), timeoutMs);
          leaving.abort(new Error('no longer wanted'));
        }
        const ends = await asked;
        // What is to stay keeps its fault until it has been seen: a removal sent at the last moment may still be on its way.
        if (leaves === 'gone') await armed.disarm();

        expect(await exists(kind, id)).toBe(leaves === 'there');
        for (const end of ends) {
          if (leaves === 'gone') {
            expect(end).toMatchObject({ status: 'fulfilled', value: { kind } });
            const value = end.status === 'fulfilled' ? end.value.outcome : undefined;
            expect(outcomes[row.name] ?? ['removed']).toContain(value);
          } else if (row.asked === 'aborted') {
            expect(end).toMatchObject({ status: 'rejected', reason: leaving.signal.reason });
          } else {
            const reason = end.status === 'rejected' ? end.reason : undefined;
            expect(isCastoffError(reason, 'CLEANUP_FAILED')).toBe(true);
            expect(reason).toMatchObject({ evidence: { kind, attempts: expect.any(Number) } });
            expect(String(reason)).toMatch(new RegExp(`remove ${kind} .*attempt`));
          }
        }
        if (leaves === 'there') {
          await removeByHand(kind, id);
          await armed.disarm();
        }
      },
    );
  });
}
