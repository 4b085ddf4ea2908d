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

// A reaper would remove the resources that the specs inspect.
const withoutReaper = { CASTOFF_REAPER: 'off' };

/** Creates a container with the volume: it keeps the volume in use even though it is not started. */
const createUserOf = (volume: string) =>
  docker.createContainer({
    Image: specImage,
    Labels: specLabel,
    HostConfig: { Binds: [`${volume}:/data`] },
  });

describe('the end of a run', () => {
  it('a run whose engine does not answer ends after one time limit, and reports no resource as gone', async () => {
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
    expect(new Map(end.records.map(({ id, lastLook }) => [id, lastLook]))).toEqual(
      new Map(all.map(({ id }) => [id, 'unknown'])),
    );
    for (const { id } of all) expect(await exists('container', id)).toBe(true);
    expect(end.failures).toContain('CastoffError: the engine has not answered for 1.0 s');
    expect(stage.main.stderr()).toMatch(
      /castoff: waiting for the removal of (container [0-9a-f]{12}(, )?){3}\n/,
    );
    // The requests did not wait for each other: one per leak, and one listing of the shared fixtures.
    const asked = proxy.calls.slice(answeredCalls).filter(({ path }) => !path.endsWith('/_ping'));
    expect(asked.filter(({ method }) => method === 'DELETE')).toEqual([]);
    expect(asked.length).toBeLessThanOrEqual(leaked.length + 4);
  });

  it('the end of a run inspects an adopted volume that was in use, and reports it as left', async () => {
    await using stage = await openRunStage(1, withoutReaper);
    const volume = await createThing('volume');
    const user = await createUserOf(volume);
    expect(await stage.workers[0]!.do('adopt', { volume })).toBe('rejected');
    await stage.workers[0]!.do('leave');
    const end = await stage.main.do<RunEnd>('close');
    // Once unused, it can be removed.
    await user.remove();
    expect(await exists('volume', volume)).toBe(true);
    await removeByHand('volume', volume);
    expect(end.records).toMatchObject([{ kind: 'volume', id: volume, state: 'left', lastLook: 'there' }]);
  });
});

describe('the close of a session outside of a run', () => {
  it('closing a session whose engine does not answer has one time limit, and reports each failure', async () => {
    await using proxy = await openFaultProxy();
    const limits = { quietMs: 50, silenceMs: 1_000 };
    const session = await openOwnSession({ engine: proxy.address, reaper: 'off' }, limits);
    const [first, second] = [await createRunningContainer(), await createRunningContainer()];
    const network = await createThing('network');
    await session.scope.adopt(first);
    // A deferred function between two containers makes their removals sequential.
    session.scope.defer('nothing', () => undefined);
    await session.scope.adopt(second);
    await session.scope.adopt(network, 'network');
    const claimed = ['castoff.spec=a', 'castoff.spec=b'];
    for (const label of claimed) await claimLabels([label]);
    const write = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    const answered = proxy.calls.length;
    const silence = proxy.inject({ on: '* /**', fault: { type: 'swallow' }, times: Infinity });
    let failure: CastoffError | undefined;
    try {
      failure = (await rejectionOf(session.close())) as CastoffError;
    } finally {
      silence.remove();
    }
    const messages = write.mock.calls
      .map(([text]) => String(text))
      .filter((text) => text.includes('waiting for'));
    write.mockRestore();
    for (const label of claimed) await releaseLabels([label]);

    expect(messages).toEqual([
      expect.stringMatching(/^castoff: waiting for the removal of container .*, network .*\n$/),
    ]);
    expect(failure).toMatchObject({
      code: 'CLEANUP_FAILED',
      errors: [{ code: 'CLEANUP_FAILED' }, { code: 'CLEANUP_FAILED' }],
    });
    const [closing, rest] = (failure?.errors ?? []) as readonly CastoffError[];
    const silent = 'the engine has not answered for 1.0 s';
    expect(closing?.errors?.map(String)).toEqual([1, 2, 3].map(() => `CastoffError: ${silent}`));
    // One for the session's label, and one for each other claim.
    expect(rest?.errors?.map(String)).toEqual([1, 2, 3].map(() => `CastoffError: ${silent}`));
    const asked = proxy.calls.slice(answered).filter(({ path }) => !path.endsWith('/_ping'));
    expect(asked.length).toBeLessThanOrEqual(3);
    for (const id of [first, second]) expect(await exists('container', id)).toBe(true);
    await removeMarkers();
  });
});
