import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cleanupSession, isCastoffError } from '../../lib/index';
import { journalFolder } from '../../lib/registry/session-identity';
import type { Asked } from '../support/fault-pattern';
import { openFaultProxy } from '../support/fault-proxy';
import type { Fault } from '../support/fault-rules';
import { removeLeftovers } from '../support/leftovers';
import { rejectionOf } from '../support/rejection';
import { startSession, type StartedSession } from '../support/started-session';
import { docker, exists, specLabel } from '../support/things';

// A reaper would remove what is left half a second after the kill.
const withoutReaper = {
  CASTOFF_REAPER: 'off',
  TESTCONTAINERS_RYUK_DISABLED: 'true',
  TESTCONTAINERS_HOST_OVERRIDE: 'localhost',
};

describe('cleanupSession', () => {
  let started: StartedSession;
  beforeAll(async () => {
    started = await startSession(withoutReaper);
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

  it('removes everything although the engine, once found, fails each of its requests once', async () => {
    await using proxy = await openFaultProxy();
    const failing = await startSession({ ...withoutReaper, DOCKER_HOST: proxy.address });
    await failing.kill();
    const failed = new Set<string>();
    const failFirst = ({ method, path }: Asked): Fault | undefined => {
      const request = `${method} ${path}`;
      if (failed.has(request) || path.endsWith('/_ping')) return undefined;
      failed.add(request);
      return { type: 'answer', status: 500, message: 'database is locked' };
    };
    proxy.inject({ on: '* /**', fault: failFirst, times: Infinity });

    await cleanupSession(failing.session, { engine: proxy.address });

    expect(await failing.listLeft()).toEqual([]);
    expect([...failed].filter((request) => request.includes('adopts')).length).toBeGreaterThan(0);
  });

  it('refuses an invalid session id', async () => {
    expect(isCastoffError(await rejectionOf(cleanupSession('../../etc')), 'CONFIG_INVALID')).toBe(true);
  });
});
