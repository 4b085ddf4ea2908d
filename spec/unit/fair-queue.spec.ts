import { describe, expect, it } from '@jest/globals';
import { FairQueue } from '../../lib/reaper/reaping/fair-queue';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A queue whose tasks end on request. */
function openQueue(total: number, perOwner: number, perGroup?: number) {
  const queue = new FairQueue({ total, perOwner, perGroup });
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const add = (owner: string, name: string, group?: string) =>
    queue.run({ name: owner, group }, () => {
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

  it('lets groups take turns, and limits each, however many owners it has', async () => {
    const { add, end, started } = openQueue(3, 2, 2);
    for (const name of ['a1', 'a2', 'a3', 'a4']) void add(`owner of ${name}`, name, 'busy');
    await turn();
    expect(started).toEqual(['a1', 'a2']);
    for (const name of ['b1', 'b2']) void add(`owner of ${name}`, name, 'modest');
    await turn();
    expect(started).toEqual(['a1', 'a2', 'b1']);
    await end('a1');
    await end('a2');
    expect(started).toEqual(['a1', 'a2', 'b1', 'a3', 'b2']);
  });

  it('rejects with the error of a failed task, and continues', async () => {
    const { add, started } = openQueue(1, 1);
    const queue = new FairQueue({ total: 1, perOwner: 1 });
    await expect(queue.run({ name: 'a' }, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(queue.run({ name: 'a' }, () => Promise.resolve('yes'))).resolves.toBe('yes');
    void add('a', 'a1');
    await turn();
    expect(started).toEqual(['a1']);
  });
});
