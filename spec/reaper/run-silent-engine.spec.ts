import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { CastoffError } from '../../lib/core/errors';
import { claimLabels, releaseLabels } from '../../lib/registry/claims';
import type { RunEnd } from '../../lib/verdict/verdict';
import { openOwnSession } from '../../lib/session/open-session';
import { openFaultProxy } from '../support/fault-proxy';
import { removeLeftovers, removeMarkers } from '../support/leftovers';
import { rejectionOf } from '../support/rejection';
import { openRunStage, type Made } from '../support/run-stage';
import { specImage } from '../support/spec-image';
import {
  createRunningContainer,
  createThing,
  docker,
  exists,
  removeByHand,
  specLabel,
} from '../support/things';

afterEach(() => removeLeftovers());

// No reaper removes what is there while the specs look.
const withoutReaper = { CASTOFF_REAPER: 'off' };

/** A container that was never started keeps its volumes in use, too. */
const createUserOf = (volume: string) =>
  docker.createContainer({
    Image: specImage,
    Labels: specLabel,
    HostConfig: { Binds: [`${volume}:/data`] },
  });

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
    const user = await createUserOf(volume);
    expect(await stage.workers[0]!.do('adopt', { volume })).toBe('rejected');
    await stage.workers[0]!.do('leave');
    const there = await stage.main.do<RunEnd>('close');
    // What the session's end finds in its journal goes now.
    await user.remove();
    expect(await exists('volume', volume)).toBe(true);
    await removeByHand('volume', volume);
    expect(there.things).toMatchObject([{ kind: 'volume', id: volume, state: 'left', lastLook: 'there' }]);
  });
});

describe('the close of a session outside of a run', () => {
  it('has one patience for all that it waits for, and reports each failure', async () => {
    await using proxy = await openFaultProxy();
    const limits = { quietMs: 50, silenceMs: 1_000 };
    const session = await openOwnSession({ engine: proxy.address, reaper: 'off' }, limits);
    const [first, second] = [await createRunningContainer(), await createRunningContainer()];
    const network = await createThing('network');
    await session.scope.adopt(first);
    // What is deferred between two containers has their removals follow each other.
    session.scope.defer('nothing', () => undefined);
    await session.scope.adopt(second);
    await session.scope.adopt(network, 'network');
    const claimed = ['castoff.spec=a', 'castoff.spec=b'];
    for (const label of claimed) await claimLabels([label]);
    const said = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    const answered = proxy.calls.length;
    const silence = proxy.inject({ on: '* /**', fault: { type: 'swallow' }, times: Infinity });
    let failure: CastoffError | undefined;
    try {
      failure = (await rejectionOf(session.close())) as CastoffError;
    } finally {
      silence.remove();
    }
    const words = said.mock.calls
      .map(([text]) => String(text))
      .filter((text) => text.includes('waiting for'));
    said.mockRestore();
    for (const label of claimed) await releaseLabels([label]);

    expect(words).toEqual([
      expect.stringMatching(/^castoff: waiting for container .*, network .* to be gone\n$/),
    ]);
    expect(failure).toMatchObject({
      code: 'CLEANUP_FAILED',
      errors: [{ code: 'CLEANUP_FAILED' }, { code: 'CLEANUP_FAILED' }],
    });
    const [closing, rest] = (failure?.errors ?? []) as readonly CastoffError[];
    const silent = 'the engine has not answered for 1.0 s';
    expect(closing?.errors?.map(String)).toEqual([1, 2, 3].map(() => `CastoffError: ${silent}`));
    // The session's label, and what is claimed beside it.
    expect(rest?.errors?.map(String)).toEqual([1, 2, 3].map(() => `CastoffError: ${silent}`));
    const asked = proxy.calls.slice(answered).filter(({ path }) => !path.endsWith('/_ping'));
    expect(asked.length).toBeLessThanOrEqual(3);
    for (const id of [first, second]) expect(await exists('container', id)).toBe(true);
    await removeMarkers();
  });
});
