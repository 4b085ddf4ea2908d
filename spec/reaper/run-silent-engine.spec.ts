import { afterEach, describe, expect, it } from '@jest/globals';
import type { RunEnd } from '../../lib/leaks/verdict';
import { openFaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { openRunStage, type Made } from '../support/run-stage';
import { createRunningContainer, createThing, docker, exists, removeByHand } from '../support/things';

afterEach(() => removeLeftovers());

// No reaper removes what is there while the specs look.
const withoutReaper = { CASTOFF_REAPER: 'off' };

describe('the end of a run', () => {
  it('has one patience for an engine that gives no answer, and calls nothing gone that is there', async () => {
    await using proxy = await openFaultProxy();
    const env = { ...withoutReaper, DOCKER_HOST: proxy.address };
    await using stage = await openRunStage(1, env, { quietMs: 50, silenceMs: 1_000 });
    const [worker] = stage.workers;
    const made: Made[] = [];
    for (const name of ['db', 'queue', 'cache']) {
      await worker!.do('await', { name });
      made.push(await worker!.do<Made>('make', { scope: `shared/${name}`, shared: true }));
      await worker!.do('settle', { name, json: '{}' });
    }
    const leaked = [await worker!.do<Made>('make'), await worker!.do<Made>('make')];

    const answeredCalls = proxy.calls.length;
    const silence = proxy.inject({ on: '* /**', fault: { type: 'swallow' }, times: Infinity });
    for (const { key } of leaked) await worker!.do('leak', { key });
    await worker!.do('leave');
    const end = await stage.main.do<RunEnd>('close');
    silence.remove();

    const all = [...made, ...leaked];
    expect(new Map(end.things.map(({ id, lastLook }) => [id, lastLook]))).toEqual(
      new Map(all.map(({ id }) => [id, 'unknown'])),
    );
    for (const { id } of all) expect(await exists('container', id)).toBe(true);
    expect(end.failures).toContain('CastoffError: the engine has not answered for 1.0 s');
    expect(stage.main.stderr()).toMatch(/castoff: waiting for (container [0-9a-f]{12}(, )?){3} to be gone\n/);
    // Nobody waited for one answer after the other: each leak was asked for once, and one list of what is shared was begun.
    const asked = proxy.calls.slice(answeredCalls).filter(({ path }) => !path.endsWith('/_ping'));
    expect(asked.filter(({ method }) => method === 'DELETE')).toEqual([]);
    expect(asked.length).toBeLessThanOrEqual(leaked.length + 4);
  });

  it('looks at an adopted volume that was in use, and tells that it is there', async () => {
    await using stage = await openRunStage(1, withoutReaper);
    const volume = await createThing('volume');
    const user = await createRunningContainer({ HostConfig: { Binds: [`${volume}:/data`] } });
    expect(await stage.workers[0]!.do('adopt', { volume })).toBe('rejected');
    await stage.workers[0]!.do('leave');
    const there = await stage.main.do<RunEnd>('close');
    // What the session's end finds in its journal goes now.
    await docker.getContainer(user).remove({ force: true });
    expect(await exists('volume', volume)).toBe(true);
    await removeByHand('volume', volume);
    expect(there.things).toMatchObject([{ kind: 'volume', id: volume, state: 'left', lastLook: 'there' }]);
  });
});
