import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isCastoffError, type CleanupResult } from '../../lib/index';
import type { RemovableKind } from '../../lib/core/kinds';
import { createIdle } from '../support/claimed-things';
import { cleanupByKind } from '../support/cleanup-by-kind';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { faultsOf, removalTarget, type Armed, type FaultRow } from '../support/fault-table';
import { createThing, exists, removeByHand } from '../support/things';

const kinds: readonly RemovableKind[] = ['container', 'network', 'volume', 'image'];

/**
 * A removal that fails, and one whose first call is never answered, wait for a part of this: the others get
 * more than a busy machine needs.
 */
function timeoutOf({ name, leaves }: FaultRow): number {
  if (leaves === 'there') return 3_000;
  return name === 'no answer once' ? 6_000 : 30_000;
}

const outcomes: Partial<Record<FaultRow['name'], readonly string[]>> = {
  404: ['already-gone', 'removed-elsewhere'],
  '409 in progress, then gone': ['removed-elsewhere'],
  '409 in progress, then gone, and the wait is cut off': ['removed-elsewhere'],
  'busy, then gone': ['removed-elsewhere'],
};

/** Faults in which two removals overlap: only a running container takes long enough for that. */
const overlapping: readonly FaultRow['name'][] = [
  '409 in progress, then gone',
  '409 in progress, then gone, and the wait is cut off',
  'done, but the answer is lost',
  'twice at once',
];

/** Cleanup of one resource under one row of the fault table. */
interface Round {
  readonly id: string;
  readonly armed: Armed;
  readonly results: Promise<readonly PromiseSettledResult<CleanupResult>[]>;
  /** Aborts the cleanup. */
  readonly stopping: AbortController;
}

let proxy: FaultProxy;
const rounds = new Map<string, Round>();

async function startRound(kind: RemovableKind, row: FaultRow): Promise<Round> {
  const isIdle = kind === 'container' && !overlapping.includes(row.name);
  const id = isIdle ? (await createIdle({})).id : await createThing(kind);
  const armed = await row.arm(proxy, removalTarget(kind, id));
  const stopping = new AbortController();
  const cleanUp = () =>
    cleanupByKind[kind](id, { engine: proxy.address, timeoutMs: timeoutOf(row), signal: stopping.signal });
  const results = Promise.allSettled(row.asked === 'twice at once' ? [cleanUp(), cleanUp()] : [cleanUp()]);
  return { id, armed, results, stopping };
}

const rowsOf = (kind: RemovableKind): readonly FaultRow[] => faultsOf(removalTarget(kind, 'any'));

beforeAll(async () => {
  proxy = await openFaultProxy();
  // A failing removal takes its whole time limit, so these run at the same time.
  for (const kind of kinds) {
    for (const row of rowsOf(kind).filter(({ asked, leaves }) => asked === 'once' && leaves === 'there'))
      rounds.set(`${kind} ${row.name}`, await startRound(kind, row));
  }
});
afterAll(() => proxy.close());

describe.each(kinds)('cleanup of a %s, when the fault is', (kind) => {
  it.each(rowsOf(kind).map((row) => [row.name, row.leaves, row] as const))(
    '%s: leaves it %s',
    async (name, leaves, row) => {
      const round = rounds.get(`${kind} ${name}`) ?? (await startRound(kind, row));
      const { id, armed, stopping } = round;
      if (row.asked === 'aborted') {
        const { removal } = removalTarget(kind, id);
        await proxy.until(({ method, path }) => `${method} ${path}`.startsWith(removal));
        stopping.abort(new Error('no longer wanted'));
      }
      const results = await round.results;
      // A resource that must survive keeps its fault until it has been checked: a late removal may still
      // arrive.
      if (leaves === 'gone') await armed.disarm();

      expect(await exists(kind, id)).toBe(leaves === 'there');
      for (const result of results) {
        if (leaves === 'gone') {
          expect(result).toMatchObject({ status: 'fulfilled', value: { kind } });
          const value = result.status === 'fulfilled' ? result.value.outcome : undefined;
          expect(outcomes[name] ?? ['removed']).toContain(value);
        } else if (row.asked === 'aborted') {
          expect(result).toMatchObject({ status: 'rejected', reason: stopping.signal.reason });
        } else {
          const reason = result.status === 'rejected' ? result.reason : undefined;
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
