import { afterEach, describe, expect, it } from '@jest/globals';
import type { RunEnd } from '../../lib/leaks/verdict';
import { removeLeftovers } from '../support/leftovers';
import { thrownBy } from '../support/run-process';
import { containersOfScope, openRunStage, type Made } from '../support/run-stage';
import { docker, exists } from '../support/things';
import { until } from '../support/until';

afterEach(() => removeLeftovers());

const name = 'db';
const there = { type: 'there', json: '{"port":5432}' };

describe('what workers share', () => {
  it('is made once by whoever comes first', async () => {
    await using stage = await openRunStage(3);
    const make = async (worker: (typeof stage.workers)[number]): Promise<unknown> => {
      const turn = await worker.do<{ type: string }>('await', { name });
      if (turn.type !== 'make') return turn;
      await worker.do('make', { scope: 'shared/db', shared: true });
      await worker.do('settle', { name, json: there.json });
      return worker.do('await', { name });
    };
    expect(await Promise.all(stage.workers.map(make))).toMatchObject([there, there, there]);
    expect(await containersOfScope(stage.session, 'shared/db')).toHaveLength(1);
    expect(await stage.main.do('await', { name })).toMatchObject(there);
    for (const worker of stage.workers) await worker.do('leave');
    expect(await stage.main.do<RunEnd>('close')).toMatchObject({ failures: [], left: [], deadWorkers: 0 });
    expect(await containersOfScope(stage.session, 'shared/db')).toEqual([]);
  });

  it('is made by the next who waits when its maker dies, and what was half made goes first', async () => {
    await using stage = await openRunStage(2);
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

  it('that cannot be made fails for all who wait with the stack of its factory, and the next may try', async () => {
    await using stage = await openRunStage(3);
    const [maker, ...others] = stage.workers;
    await maker!.do('await', { name });
    const half = await maker!.do<Made>('make', { scope: 'shared/db', shared: true });
    const waiting = others.map((worker) => thrownBy(worker.do('await', { name })));
    // All of them have asked when one that asks later is refused for want of time.
    await thrownBy(stage.main.do('await', { name, timeoutMs: 200 }));
    const stack = 'Error: no disk\n    at make (/app/db.ts:3:1)';
    await maker!.do('settle', { name, error: { name: 'Error', message: 'no disk', stack, code: 'ENOSPC' } });
    for (const thrown of await Promise.all(waiting))
      expect(thrown).toMatchObject({ message: 'no disk', code: 'ENOSPC', stack });
    expect(await others[0]!.do('await', { name })).toEqual({ type: 'make' });
    expect(await exists('container', half.id)).toBe(false);
  });

  it('is not waited for past the deadline', async () => {
    await using stage = await openRunStage(2);
    await stage.workers[0]!.do('await', { name });
    const thrown = await thrownBy(stage.workers[1]!.do('await', { name, timeoutMs: 50 }));
    expect(thrown).toMatchObject({
      code: 'DEADLINE_EXCEEDED',
      message: 'wait for shared db, which another test makes: not done after 50 ms',
    });
  });

  it('is refused where two wait for each other, in different workers', async () => {
    await using stage = await openRunStage(2);
    const [first, second] = stage.workers;
    await first!.do('await', { name: 'a' });
    await second!.do('await', { name: 'b' });
    const waiting = thrownBy(first!.do('await', { name: 'b', within: 'a', timeoutMs: 2_000 }));
    // It waits when the other one, which comes later by the run's own process, does.
    await thrownBy(stage.main.do('await', { name: 'b', timeoutMs: 200 }));
    const thrown = await thrownBy(second!.do('await', { name: 'a', within: 'b' }));
    expect(thrown.code).toBe('CONFIG_INVALID');
    expect(thrown.message).toContain('a → b → a');
    expect((await waiting).code).toBe('DEADLINE_EXCEEDED');
  });

  it('goes in the reverse order of its making', async () => {
    await using stage = await openRunStage(1);
    const [worker] = stage.workers;
    const ids: string[] = [];
    for (const one of ['net', 'db', 'app']) {
      await worker!.do('await', { name: one });
      ids.push((await worker!.do<Made>('make', { scope: `shared/${one}`, shared: true })).id);
      await worker!.do('settle', { name: one, json: '1' });
    }
    await worker!.do('leave');
    const removed: string[] = [];
    const filters = JSON.stringify({ label: [`castoff.session=${stage.session}`], event: ['destroy'] });
    const events = (await docker.getEvents({ filters })) as NodeJS.ReadableStream & { destroy(): void };
    events.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split('\n'))
        removed.push((JSON.parse(line) as { id: string }).id);
    });
    try {
      await stage.main.do('close');
      expect(await until(() => removed.length === 3, 5_000)).toBe(true);
      expect(removed).toEqual(ids.toReversed());
    } finally {
      events.destroy();
    }
  });
});
