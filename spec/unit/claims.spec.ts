import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type * as Claims from '../../lib/registry/claims';
import {
  claimedLabels,
  claimLabels,
  onClaim,
  releaseLabels,
  type ClaimListener,
} from '../../lib/registry/claims';

const labels = ['com.docker.compose.project=app'];
const endings: (() => void)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) end();
  await releaseLabels(labels);
});

/** Creates a listener that records its calls, each of which resolves with `done`. */
function recordCalls(done: Promise<void> = Promise.resolve()) {
  const calls: string[] = [];
  const listener: ClaimListener = {
    async claim(asked) {
      calls.push(`claim ${asked.join()}`);
      await done;
    },
    async release(asked) {
      calls.push(`release ${asked.join()}`);
      await done;
    },
  };
  return { calls, listener };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('claimLabels', () => {
  it('keeps claims for the first session when none is open', async () => {
    await claimLabels(labels);
    expect(claimedLabels()).toEqual([{ labels }]);
  });

  it('passes a claim to every listener, and waits for it', async () => {
    const claimed = Promise.withResolvers<void>();
    const [first, second] = [recordCalls(claimed.promise), recordCalls(claimed.promise)];
    endings.push(onClaim(first.listener), onClaim(second.listener));
    let isClaimed = false;
    const claiming = claimLabels(labels).then(() => (isClaimed = true));
    await nextTurn();
    expect([first.calls, second.calls]).toEqual([[`claim ${labels[0]}`], [`claim ${labels[0]}`]]);
    expect(isClaimed).toBe(false);
    claimed.resolve();
    await claiming;
  });

  it('passes a claim to a listener in another copy of the package', async () => {
    const { calls, listener } = recordCalls();
    jest.isolateModules(() => {
      const copy = jest.requireActual<typeof Claims>('../../lib/registry/claims');
      endings.push(copy.onClaim(listener));
    });
    await claimLabels(labels);
    expect(calls).toEqual([`claim ${labels[0]}`]);
  });

  it('passes no claim to a listener that has unsubscribed', async () => {
    const [left, stays] = [recordCalls(), recordCalls()];
    const leave = onClaim(left.listener);
    endings.push(onClaim(stays.listener));
    await claimLabels(labels);
    leave();
    await releaseLabels(labels);
    expect(left.calls).toEqual([`claim ${labels[0]}`]);
    expect(stays.calls).toEqual([`claim ${labels[0]}`, `release ${labels[0]}`]);
  });

  it('keeps claims for later listeners, until they are released', async () => {
    await claimLabels(labels);
    await claimLabels(labels);
    expect(claimedLabels()).toEqual([{ labels }]);
    await releaseLabels(labels);
    expect(claimedLabels()).toEqual([]);
  });
});

describe('releaseLabels', () => {
  it('passes a release to every listener, and waits for it', async () => {
    await claimLabels(labels);
    const released = Promise.withResolvers<void>();
    const { calls, listener } = recordCalls(released.promise);
    endings.push(onClaim(listener));
    let isReleased = false;
    const releasing = releaseLabels(labels).then(() => (isReleased = true));
    await nextTurn();
    expect(calls).toEqual([`release ${labels[0]}`]);
    expect(isReleased).toBe(false);
    released.resolve();
    await releasing;
  });

  it('releases a claim once, and only if it was claimed', async () => {
    const { calls, listener } = recordCalls();
    endings.push(onClaim(listener));
    await releaseLabels(labels);
    await claimLabels(labels);
    await releaseLabels(labels);
    await releaseLabels(labels);
    expect(calls).toEqual([`claim ${labels[0]}`, `release ${labels[0]}`]);
  });
});
