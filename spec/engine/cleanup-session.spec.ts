import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cleanupSession, isCastoffError } from '../../lib/index';
import { journalFolder } from '../../lib/registry/session-identity';
import { removeLeftovers } from '../support/leftovers';
import { rejectionOf } from '../support/rejection';
import { startSession, type StartedSession } from '../support/started-session';
import { docker, exists, specLabel } from '../support/things';

describe('cleanupSession', () => {
  let started: StartedSession;
  beforeAll(async () => {
    started = await startSession({
      // A reaper would remove what is left half a second after the kill.
      CASTOFF_REAPER: 'off',
      TESTCONTAINERS_RYUK_DISABLED: 'true',
      TESTCONTAINERS_HOST_OVERRIDE: 'localhost',
    });
  });
  afterAll(async () => {
    await started.kill();
    await cleanupSession(started.session);
    await removeLeftovers();
  });

  it('refuses to clean up a session whose process is alive, and removes nothing', async () => {
    const refusal = await rejectionOf(cleanupSession(started.session));
    expect(isCastoffError(refusal, 'CONFIG_INVALID')).toBe(true);
    expect(String(refusal)).toContain(`process ${started.pid} is alive`);
    expect(await started.listLeft()).toHaveLength(4);
  });

  it('removes what a killed process left, by labels and journal, but nothing that others have created under a reused name', async () => {
    await started.kill();
    const [volume, taken] = started.volumes;
    await docker.getVolume(taken).remove();
    await docker.createVolume({ Name: taken, Labels: specLabel });
    expect(await started.listLeft()).toHaveLength(4);

    const { results } = await cleanupSession(started.session);

    expect((await started.listLeft()).map(({ id }) => id)).toEqual([taken]);
    const own = new Set(started.entries.map(({ id }) => id).filter((id) => id !== taken));
    const removed = results.filter(({ id }) => own.has(id));
    expect(removed.map(({ kind }) => kind).toSorted()).toEqual(['container', 'network', 'volume']);
    expect(removed.find(({ kind }) => kind === 'volume')).toMatchObject({ id: volume });
    expect(existsSync(journalFolder(started.session))).toBe(false);
    expect(await exists('volume', taken)).toBe(true);
  });

  it('refuses an invalid session id', async () => {
    expect(isCastoffError(await rejectionOf(cleanupSession('../../etc')), 'CONFIG_INVALID')).toBe(true);
  });
});
