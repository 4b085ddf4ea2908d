import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isCastoffError, type CleanupResult } from '../../lib/index';
import type { RemovableKind } from '../../lib/engine/removable-kind';
import { createIdle } from '../support/claimed-things';
import { cleanupByKind } from '../support/cleanup-by-kind';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { faultsOf, removalTarget, type Armed, type FaultRow } from '../support/fault-table';
import { createThing, exists, removeByHand } from '../support/things';

const kinds: readonly RemovableKind[] = ['container', 'network', 'volume', 'image'];

/** Long enough for one unanswered call, short enough for a suite: an unanswered call is given a sixth of it. */
const timeoutMs = 3_000;

const outcomes: Partial<Record<FaultRow['name'], readonly string[]>> = {
  404: ['already-gone', 'removed-elsewhere'],
  '409 in progress, then gone': ['removed-elsewhere'],
  '409 in progress, then gone, and the wait is cut off': ['removed-elsewhere'],
  'busy, then gone': ['removed-elsewhere'],
};

/** Two removals meet in the engine: a container that runs takes it longest. The others need not run. */
const meeting: readonly FaultRow['name'][] = [
  '409 in progress, then gone',
  '409 in progress, then gone, and the wait is cut off',
  'done, but the answer is lost',
  'twice at once',
];

/** The cleanup of one resource that meets one row of the fault table. */
interface Round {
  readonly id: string;
  readonly armed: Armed;
  readonly ends: Promise<readonly PromiseSettledResult<CleanupResult>[]>;
  /** Aborts the cleanup; its reason. */
  readonly leaving: AbortController;
}

let proxy: FaultProxy;
const rounds = new Map<string, Round>();

async function beginRound(kind: RemovableKind, row: FaultRow): Promise<Round> {
  const isIdle = kind === 'container' && !meeting.includes(row.name);
  const id = isIdle ? (await createIdle({})).id : await createThing(kind);
  const armed = await row.arm(proxy, removalTarget(kind, id));
  const leaving = new AbortController();
  const ask = () => cleanupByKind[kind](id, { engine: proxy.address, timeoutMs, signal: leaving.signal });
  const ends = Promise.allSettled(row.asked === 'twice at once' ? [ask(), ask()] : [ask()]);
  return { id, armed, ends, leaving };
}

const rowsOf = (kind: RemovableKind): readonly FaultRow[] => faultsOf(removalTarget(kind, 'any'));

beforeAll(async () => {
  proxy = await openFaultProxy();
  // A removal that fails takes all of its time: these wait beside the others.
  for (const kind of kinds) {
    for (const row of rowsOf(kind).filter(({ asked, leaves }) => asked === 'once' && leaves === 'there'))
      rounds.set(`${kind} ${row.name}`, await beginRound(kind, row));
  }
});
afterAll(() => proxy.close());

describe.each(kinds)('cleanup of a %s when the engine answers with', (kind) => {
  it.each(rowsOf(kind).map((row) => [row.name, row.leaves, row] as const))(
    '%s leaves it %s',
    async (name, leaves, row) => {
      const round = rounds.get(`${kind} ${name}`) ?? (await beginRound(kind, row));
      const { id, armed, leaving } = round;
      if (row.asked === 'aborted') {
        const { removal } = removalTarget(kind, id);
        await proxy.until(({ method, path }) => `${method} ${path}`.startsWith(removal), timeoutMs);
        leaving.abort(new Error('no longer wanted'));
      }
      const ends = await round.ends;
      // What is to stay keeps its fault until it has been seen: a removal sent at the last moment may still be on its way.
      if (leaves === 'gone') await armed.disarm();

      expect(await exists(kind, id)).toBe(leaves === 'there');
      for (const end of ends) {
        if (leaves === 'gone') {
          expect(end).toMatchObject({ status: 'fulfilled', value: { kind } });
          const value = end.status === 'fulfilled' ? end.value.outcome : undefined;
          expect(outcomes[name] ?? ['removed']).toContain(value);
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
