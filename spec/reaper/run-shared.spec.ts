import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunEnd } from '../../lib/verdict/verdict';
import { removeLeftovers } from '../support/leftovers';
import { thrownBy, type RunProcess } from '../support/run-process';
import { containersOfScope, openRunStage, type Made, type RunStage } from '../support/run-stage';
import { docker, exists } from '../support/things';
import { until } from '../support/until';

const there = { type: 'there', json: '{"port":5432}' };

afterAll(() => removeLeftovers());

/** Requests a fixture. Resolves when the run has the request; `turn` settles when the run has answered it. */
async function startWaiting(
  worker: RunProcess,
  asked: { readonly name: string; readonly within?: string; readonly timeoutMs?: number },
): Promise<{ readonly turn: Promise<unknown> }> {
  const turn = worker.do<unknown>('await', { ...asked, atOnce: true });
  // The run handles the requests of a worker in their order.
  await worker.do('ready', { atOnce: true });
  return { turn };
}

describe('a shared fixture', () => {
  let stage: RunStage;
  let workers: readonly [RunProcess, RunProcess, RunProcess];

  beforeAll(async () => {
    stage = await openRunStage(3);
    const [first, second, third] = stage.workers;
    workers = [first!, second!, third!];
  });
  afterAll(async () => stage[Symbol.asyncDispose]());

  it('a shared fixture that fails rejects for all waiters with the stack of its factory, and the next requester makes it', async () => {
    const name = 'broken';
    const [maker, ...others] = workers;
    await maker.do('await', { name });
    const half = await maker.do<Made>('make', { scope: 'shared/broken', shared: true });
    const waiting = await Promise.all(others.map((worker) => startWaiting(worker, { name })));
    const stack = 'Error: no disk\n    at make (/app/db.ts:3:1)';
    await maker.do('settle', { name, error: { name: 'Error', message: 'no disk', stack, code: 'ENOSPC' } });
    for (const thrown of await Promise.all(waiting.map(({ turn }) => thrownBy(turn))))
      expect(thrown).toMatchObject({ message: 'no disk', code: 'ENOSPC', stack });
    expect(await others[0].do('await', { name })).toEqual({ type: 'make' });
    expect(await exists('container', half.id)).toBe(false);
    await others[0].do('settle', { name, json: '1' });
  });

  it('waiting for a shared fixture rejects at the deadline', async () => {
    const name = 'slow';
    const [maker, other] = workers;
    await maker.do('await', { name });
    const thrown = await thrownBy(other.do('await', { name, timeoutMs: 50 }));
    expect(thrown).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: 'wait for shared slow, which another test is making: timed out after 50 ms',
    });
    await maker.do('settle', { name, json: '1' });
  });

  it('a cycle of shared fixtures in different workers is refused', async () => {
    const [first, second] = workers;
    await first.do('await', { name: 'a' });
    await second.do('await', { name: 'b' });
    const waiting = await startWaiting(first, { name: 'b', within: 'a', timeoutMs: 60_000 });
    const thrown = await thrownBy(second.do('await', { name: 'a', within: 'b' }));
    expect(thrown.code).toBe('CONFIG_INVALID');
    expect(thrown.message).toContain('a → b → a');
    // The request that closes the cycle is refused; the one before goes on waiting.
    await second.do('settle', { name: 'b', json: '1' });
    expect(await waiting.turn).toMatchObject({ type: 'there', json: '1' });
    await first.do('settle', { name: 'a', json: '1' });
  });

  it('a shared fixture is made once, by the first requester', async () => {
    const name = 'db';
    const make = async (worker: RunProcess): Promise<unknown> => {
      const turn = await worker.do<{ type: string }>('await', { name });
      if (turn.type !== 'make') return turn;
      await worker.do('make', { scope: 'shared/db', shared: true });
      await worker.do('settle', { name, json: there.json });
      return worker.do('await', { name });
    };
    expect(await Promise.all(workers.map(make))).toMatchObject([there, there, there]);
    expect(await containersOfScope(stage.session, 'shared/db')).toHaveLength(1);
    expect(await stage.main.do('await', { name })).toMatchObject(there);
    for (const worker of workers) await worker.do('leave');
    expect(await stage.main.do<RunEnd>('close')).toMatchObject({ failures: [], left: [], deadWorkers: 0 });
    expect(await containersOfScope(stage.session, 'shared/db')).toEqual([]);
  });
});

describe('a shared fixture in a run with a killed worker', () => {
  let stage: RunStage;
  beforeAll(async () => {
    stage = await openRunStage(2);
  });
  afterAll(async () => stage[Symbol.asyncDispose]());

  it('when the maker of a shared fixture dies, its resources are removed, and then the next waiter makes it', async () => {
    const name = 'db';
    const [maker, next] = stage.workers;
    await maker!.do('await', { name });
    const half = await maker!.do<Made>('make', { scope: 'shared/db', shared: true });
    const turn = next!.do('await', { name });
    maker!.signal('SIGKILL');
    expect(await turn).toEqual({ type: 'make' });
    expect(await exists('container', half.id)).toBe(false);
    await next!.do('settle', { name, json: there.json });
    expect(await stage.main.do('await', { name })).toMatchObject(there);
  });

  it('shared fixtures are removed in the reverse order of their creation', async () => {
    const [, worker] = stage.workers;
    const ids: string[] = [];
    for (const one of ['net', 'queue', 'app']) {
      await worker!.do('await', { name: one });
      ids.push((await worker!.do<Made>('make', { scope: `shared/${one}`, shared: true })).id);
      await worker!.do('settle', { name: one, json: '1' });
    }
    await worker!.do('leave');
    const removed: string[] = [];
    const filters = JSON.stringify({ label: [`castoff.session=${stage.session}`], event: ['destroy'] });
    // Docker answers a moment before it subscribes: with `since`, it also reports the events of that moment.
    const events = (await docker.getEvents({ since: Date.now() / 1_000, filters })) as Readable;
    createInterface({ input: events }).on('line', (line) =>
      removed.push((JSON.parse(line) as { id: string }).id),
    );
    try {
      await stage.main.do('close');
      expect(await until(() => removed.length === 3)).toBe(true);
      expect(removed).toEqual(ids.toReversed());
    } finally {
      events.destroy();
    }
  });
});
