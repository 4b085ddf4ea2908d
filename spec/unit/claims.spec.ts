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

/** A listener that keeps what it is told, and is done when `done` is. */
function keepTold(done: Promise<void> = Promise.resolve()) {
  const told: string[] = [];
  const listener: ClaimListener = {
    async claim(asked) {
      told.push(`claim ${asked.join()}`);
      await done;
    },
    async release(asked) {
      told.push(`release ${asked.join()}`);
      await done;
    },
  };
  return { told, listener };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('labels to be claimed', () => {
  it('are kept for the first session where none is open', async () => {
    await claimLabels(labels);
    expect(claimedLabels()).toEqual([{ labels }]);
  });

  it('are told to every listener, and waited for', async () => {
    const claimed = Promise.withResolvers<void>();
    const [first, second] = [keepTold(claimed.promise), keepTold(claimed.promise)];
    endings.push(onClaim(first.listener), onClaim(second.listener));
    let isClaimed = false;
    const claiming = claimLabels(labels).then(() => (isClaimed = true));
    await nextTurn();
    expect([first.told, second.told]).toEqual([[`claim ${labels[0]}`], [`claim ${labels[0]}`]]);
    expect(isClaimed).toBe(false);
    claimed.resolve();
    await claiming;
  });

  it('are told to a listener in another copy of the package', async () => {
    const { told, listener } = keepTold();
    jest.isolateModules(() => {
      const copy = jest.requireActual<typeof Claims>('../../lib/registry/claims');
      endings.push(copy.onClaim(listener));
    });
    await claimLabels(labels);
    expect(told).toEqual([`claim ${labels[0]}`]);
  });

  it('are not told to a listener that has left', async () => {
    const [left, stays] = [keepTold(), keepTold()];
    const leave = onClaim(left.listener);
    endings.push(onClaim(stays.listener));
    await claimLabels(labels);
    leave();
    await releaseLabels(labels);
    expect(left.told).toEqual([`claim ${labels[0]}`]);
    expect(stays.told).toEqual([`claim ${labels[0]}`, `release ${labels[0]}`]);
  });

  it('are there for whoever comes later, until they are given up', async () => {
    await claimLabels(labels);
    await claimLabels(labels);
    expect(claimedLabels()).toEqual([{ labels }]);
    await releaseLabels(labels);
    expect(claimedLabels()).toEqual([]);
  });
});

describe('labels to be given up', () => {
  it('are told to every listener, and waited for', async () => {
    await claimLabels(labels);
    const released = Promise.withResolvers<void>();
    const { told, listener } = keepTold(released.promise);
    endings.push(onClaim(listener));
    let isReleased = false;
    const releasing = releaseLabels(labels).then(() => (isReleased = true));
    await nextTurn();
    expect(told).toEqual([`release ${labels[0]}`]);
    expect(isReleased).toBe(false);
    released.resolve();
    await releasing;
  });

  it('are given up once, and only where they were claimed', async () => {
    const { told, listener } = keepTold();
    endings.push(onClaim(listener));
    await releaseLabels(labels);
    await claimLabels(labels);
    await releaseLabels(labels);
    await releaseLabels(labels);
    expect(told).toEqual([`claim ${labels[0]}`, `release ${labels[0]}`]);
  });
});
