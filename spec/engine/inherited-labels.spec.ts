import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { labelNames } from '../../lib/core/labels';
import { connectEngine } from '../../lib/engine/connect';
import { reapClaim } from '../../lib/reaper/reaping/reap';
import { cleanupSession } from '../../lib/sweep/cleanup-session';
import { closeLeftovers } from '../../lib/session/close-leftovers';
import { listSessions } from '../../lib/sweep/find-sessions';
import { claimOn, stillThere } from '../support/claimed-things';
import { createInheriting, createOwned, type Inheriting } from '../support/inheriting-things';
import { removeLeftovers } from '../support/leftovers';
import { deadOwner, labelsOf, someSession } from '../support/owned-things';
import { docker, exists } from '../support/things';

const session = someSession();
const owner = labelsOf(session, deadOwner());
let inheriting: Inheriting;

beforeAll(async () => {
  inheriting = await createInheriting(docker, owner);
}, 60_000);

afterAll(() => removeLeftovers(), 60_000);

describe('the age of an image', () => {
  it('is the time since an image was last tagged', async () => {
    const { Metadata } = (await docker.getImage(inheriting.base).inspect()) as {
      Metadata?: { LastTagTime?: string };
    };
    const { sessions } = await listSessions(await connectEngine(), false);
    const found = sessions
      .flatMap(({ resources }) => resources)
      .find(({ tags }) => tags?.[0]?.startsWith(inheriting.base));
    expect(found?.createdAtMs).toBe(Date.parse(Metadata?.LastTagTime ?? ''));
  });
});

describe('resources of others that inherit a session’s labels', () => {
  it.each<readonly [door: string, close: () => Promise<unknown>]>([
    ['the closing of the session', async () => closeLeftovers(await connectEngine(), session)],
    ['the cleanup of the session after a crash', () => cleanupSession(session)],
    ['a reaper', () => reap()],
  ])(
    'are kept by %s, which removes the session’s own resources',
    async (_, close) => {
      const owned = await createOwned(docker, owner);
      await close();
      expect(await stillThere(owned)).toEqual([]);
      expect(await stillThere(inheriting.strangers)).toEqual(inheriting.strangers);
      expect(await exists('image', inheriting.base)).toBe(false);
    },
    60_000,
  );
});

async function reap(): Promise<void> {
  const { claim } = claimOn({ [labelNames.session]: session });
  const { left } = await reapClaim(await connectEngine(), claim, { settlePausesMs: [0] });
  expect(left).toEqual([]);
}
