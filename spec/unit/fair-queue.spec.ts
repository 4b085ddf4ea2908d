import { describe, expect, it } from '@jest/globals';
import { FairQueue } from '../../lib/reaper/reaping/fair-queue';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A queue whose tasks end on request. */
function openQueue(total: number, perOwner: number) {
  const queue = new FairQueue({ total, perOwner });
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const add = (owner: string, name: string) =>
    queue.run(owner, () => {
      started.push(name);
      const { promise, resolve } = Promise.withResolvers<void>();
      ends.set(name, resolve);
      return promise;
    });
  const end = async (name: string) => {
    ends.get(name)?.();
    await turn();
  };
  return { add, end, started };
}

describe('a fair queue', () => {
  it('lets owners take turns, however many tasks of one are waiting', async () => {
    const { add, end, started } = openQueue(2, 2);
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) void add('a', name);
    for (const name of ['b1', 'b2']) void add('b', name);
    void add('c', 'c1');
    await turn();
    expect(started).toEqual(['a1', 'a2']);
    for (const name of ['a1', 'a2', 'a3', 'b1']) await end(name);
    expect(started).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'a4']);
  });

  it('limits the concurrent tasks of one owner', async () => {
    const { add, end, started } = openQueue(3, 2);
    for (const name of ['a1', 'a2', 'a3']) void add('a', name);
    await turn();
    expect(started).toEqual(['a1', 'a2']);
    void add('b', 'b1');
    await turn();
    expect(started).toEqual(['a1', 'a2', 'b1']);
    await end('b1');
    expect(started).not.toContain('a3');
    await end('a1');
    expect(started).toContain('a3');
  });

  it('rejects with the error of a failed task, and continues', async () => {
    const { add, started } = openQueue(1, 1);
    const queue = new FairQueue({ total: 1, perOwner: 1 });
    await expect(queue.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(queue.run('a', () => Promise.resolve('yes'))).resolves.toBe('yes');
    void add('a', 'a1');
    await turn();
    expect(started).toEqual(['a1']);
  });
});
