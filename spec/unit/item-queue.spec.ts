import { describe, expect, it } from '@jest/globals';
import { ItemQueue } from '../../lib/engine/item-queue';

const done = { done: true, value: undefined };

async function takeAll(queue: ItemQueue<number>, many: number): Promise<unknown[]> {
  const taken = await Promise.allSettled(Array.from({ length: many }, () => queue.take()));
  return taken.map((end) => (end.status === 'rejected' ? end.reason : (end.value.value ?? 'done')));
}

describe('an item queue', () => {
  it('delivers items in order, to waiting and to later consumers', async () => {
    const queue = new ItemQueue<number>(10);
    const waiting = [queue.take(), queue.take()];
    for (const item of [1, 2, 3]) queue.put(item);
    expect(await Promise.all(waiting)).toEqual([1, 2].map((value) => ({ done: false, value })));
    expect(await queue.take()).toEqual({ done: false, value: 3 });
  });

  it('is full at its limit, and notifies when all items have been taken', async () => {
    const queue = new ItemQueue<number>(2);
    await queue.untilEmpty();
    queue.put(1);
    expect(queue.isFull).toBe(false);
    queue.put(2);
    expect(queue.isFull).toBe(true);
    const order: string[] = [];
    const emptied = queue.untilEmpty().then(() => order.push('empty'));
    await queue.take();
    order.push('one left');
    await queue.take();
    await emptied;
    expect(order).toEqual(['one left', 'empty']);
    expect(queue.isFull).toBe(false);
  });

  it('drops its items and notifies all waiting consumers when it ends', async () => {
    const queue = new ItemQueue<number>(2);
    queue.put(1);
    const emptied = queue.untilEmpty();
    queue.end();
    await emptied;
    queue.put(2);
    expect(await takeAll(queue, 2)).toEqual(['done', 'done']);

    const other = new ItemQueue<number>(2);
    const waiting = takeAll(other, 2);
    other.end();
    expect(await waiting).toEqual(['done', 'done']);
  });

  it('delivers remaining items before its error, and the error once', async () => {
    const queue = new ItemQueue<number>(2);
    const error = new Error('refused');
    queue.put(1);
    queue.fail(error);
    queue.put(2);
    expect(await takeAll(queue, 3)).toEqual([1, error, 'done']);
  });

  it('rejects the first waiting consumer, and ends for the others', async () => {
    const queue = new ItemQueue<number>(2);
    const error = new Error('refused');
    const waiting = takeAll(queue, 2);
    queue.fail(error);
    expect(await waiting).toEqual([error, 'done']);
    expect(await queue.take()).toEqual(done);
  });

  it('ignores a failure after it has ended', async () => {
    const queue = new ItemQueue<number>(2);
    queue.end();
    queue.fail(new Error('too late'));
    expect(await queue.take()).toEqual(done);
  });
});
