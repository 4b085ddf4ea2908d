import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { assertNoLeaks, findLeaks, takeSnapshot, type Snapshot } from '../../lib/diagnosis/find-leaks';
import { releaseObjects } from '../../lib/diagnosis/release-objects';
import { openScope } from '../../lib/scope/scope';
import { nextLine } from '../support/this-line';
import { rejectionOf } from '../support/rejection';

let since: Snapshot;
const timers: NodeJS.Timeout[] = [];
beforeEach(() => {
  since = takeSnapshot();
});
afterEach(() => {
  for (const timer of timers.splice(0)) clearTimeout(timer);
});

const leave = (timer: NodeJS.Timeout): void => void timers.push(timer);

describe('findLeaks', () => {
  it('returns what was opened since the snapshot, with the line', async () => {
    leave(setTimeout(() => undefined, 60_000));
    const later = takeSnapshot();
    const source = nextLine();
    leave(setInterval(() => undefined, 50));
    const leaks = await findLeaks({ since: later });
    expect(leaks).toEqual([
      { kind: 'interval', what: 'interval of 50 ms', source, createdAt: expect.any(String), count: 1 },
    ]);
    expect(await findLeaks({ since })).toHaveLength(2);
  });

  it('counts the handles of one line as one, and keeps lines apart', async () => {
    for (let count = 0; count < 200; count += 1) leave(setTimeout(() => undefined, 60_000));
    leave(setTimeout(() => undefined, 60_000));
    expect((await findLeaks({ since })).map(({ count }) => count)).toEqual([200, 1]);
  });

  it('finds nothing when all has been closed, and waits for what ends soon', async () => {
    clearTimeout(setTimeout(() => undefined, 60_000));
    void delay(150);
    expect(await findLeaks({ since })).toEqual([]);
  });

  it('sees through replaced timers', async () => {
    jest.spyOn(globalThis, 'setTimeout');
    leave(setTimeout(() => undefined, 60_000));
    jest.restoreAllMocks();
    expect(await findLeaks({ since })).toHaveLength(1);
  });

  it('is the same watch after the modules have been reset', async () => {
    leave(setTimeout(() => undefined, 60_000));
    jest.resetModules();
    const again = jest.requireActual<{ findLeaks: typeof findLeaks }>('../../lib/diagnosis/find-leaks');
    expect(await again.findLeaks({ since })).toHaveLength(1);
  });

  it('rejects an unknown option, and a snapshot of its own making', async () => {
    await expect(findLeaks({ from: since } as object)).rejects.toThrow('unknown option from');
    await expect(findLeaks({ since: { takenAt: new Date() } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  it("leaves out castoff's own timers, and names a command that a scope still runs", async () => {
    const scope = openScope('handles', { timeoutMs: 60_000 });
    const source = nextLine();
    const command = scope.run('sleep', ['60']);
    expect(await findLeaks({ since })).toMatchObject([
      { kind: 'child process', what: 'child process `sleep 60`', source },
    ]);
    command.then(undefined, () => undefined);
    await scope.close();
    expect(await findLeaks({ since })).toEqual([]);
  });
});

describe('assertNoLeaks', () => {
  it('throws LEAKS_FOUND with one line for each leak', async () => {
    const first = nextLine();
    leave(setInterval(() => undefined, 50));
    const second = nextLine();
    leave(setTimeout(() => undefined, 60_000));
    expect(await rejectionOf(assertNoLeaks({ since }))).toMatchObject({
      code: 'LEAKS_FOUND',
      message: `these 2 are still open:
  interval of 50 ms, opened at ${first}
  timeout of 1 min 0 s, opened at ${second}`,
    });
  });

  it('resolves when nothing is open', async () => {
    await expect(assertNoLeaks({ since })).resolves.toBeUndefined();
  });
});

describe('the watch', () => {
  it('survives a recursion that uses up the stack', () => {
    const recurse = (): void => {
      clearTimeout(setTimeout(() => undefined, 60_000));
      recurse();
    };
    expect(recurse).toThrow(RangeError);
  });

  it("leaves the limit of the user's stacks alone", () => {
    Error.stackTraceLimit = 3;
    leave(setTimeout(() => undefined, 60_000));
    expect(Error.stackTraceLimit).toBe(3);
    Error.stackTraceLimit = 10;
  });

  it('lets go of objects before a check that they have been collected', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    class Cache {
      start(): void {
        clearInterval(setInterval(() => undefined, 60_000));
      }
    }
    const cache = (() => {
      const created = new Cache();
      created.start();
      return new WeakRef(created);
    })();
    await delay(1);
    releaseObjects();
    collect();
    expect(cache.deref()).toBeUndefined();
  });
});
