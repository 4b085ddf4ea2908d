import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { ErrorCode } from '../../lib/core/errors';
import { cleanupContainer, cleanupVolume, deadline, isCastoffError, openScope } from '../../lib/index';
import { setJestRun } from '../../lib/jest/jest-run';
import { resolveSettings } from '../../lib/runner/options';
import teardown from '../../lib/jest/teardown';
import { cancelExitWatch } from '../../lib/runner/watch-exit';
import { openReaperConnection } from '../../lib/lease/reaper-connection';
import { LeaseClient } from '../../lib/lease/client';
import { startCapture } from '../../lib/capture/start-capture';
import { openReaper } from '../../lib/reaper';
import { readOwner } from '../../lib/processes/owner';
import { sessionIdentity } from '../../lib/registry/session-identity';
import { openRun } from '../../lib/run/run';
import type { Run } from '../../lib/session/current-run';
import { removeLeftovers } from '../support/leftovers';
import { inATest } from '../support/capture-stage';
import { specImage } from '../support/spec-image';
import { docker, specLabel, uniqueName } from '../support/things';
import { rejectionOf } from '../support/rejection';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'castoff-codes-'));
});
afterEach(() => removeLeftovers());
afterAll(() => rm(folder, { recursive: true }));

/** One way per code in which users can get it. The type requires every code. */
const causes: Readonly<Record<ErrorCode, () => Promise<unknown>>> = {
  CONFIG_INVALID: () => cleanupContainer('web', { timeoutMs: -1 }),

  ENGINE_UNREACHABLE: () => cleanupContainer('web', { engine: 'unix:///no/such.sock' }),

  ENGINE_REFUSED: async () => {
    await using scope = openScope();
    await scope.adopt(uniqueName());
  },

  DEADLINE_EXCEEDED: async () => {
    const signal = deadline(1, { what: 'wait for the mail' });
    await once(signal, 'abort');
    signal.throwIfAborted();
  },

  CLEANUP_FAILED: async () => {
    const Labels = { ...specLabel };
    const volume = uniqueName();
    await docker.createVolume({ Name: volume, Labels });
    await docker.createContainer({ Image: specImage, Labels, HostConfig: { Binds: [`${volume}:/data`] } });
    return cleanupVolume(volume, { timeoutMs: 300 });
  },

  SCOPE_CLOSED: async () => {
    const scope = openScope();
    await scope.close();
    scope.defer('too late', () => undefined);
  },

  START_FAILED: async () => {
    await using scope = openScope();
    return await scope.start({ start: () => Promise.reject(new Error('no such image')) });
  },

  TASK_STUCK: async () => {
    const scope = openScope('orders', { cleanupTimeoutMs: 30 });
    const task = scope.spawn('poll', () => Promise.withResolvers<never>().promise);
    await Promise.allSettled([scope.close()]);
    return task;
  },

  COMMAND_FAILED: async () => {
    await using scope = openScope();
    return await scope.run('false', []);
  },

  LEAKS_FOUND: async () => {
    const run = await openRunWithoutReaper();
    setJestRun({
      run,
      runConfig: { config: {}, rootDir: folder, isOfRoot: false },
      setups: new Set(),
      teardowns: new Set(),
      ownHooks: new Set(),
      outsideSetups: [],
      failures: [],
      detach: async () => undefined,
      signals: { isDying: false, stop: () => undefined },
      hasOwnResources: () => false,
    });
    const watch = startCapture({
      session: run.session,
      registry: sessionIdentity().registry,
      attribution: () => ({ ...inATest, isOver: true }),
      ready: () => run.ready(),
      claim: async () => undefined,
      release: async () => undefined,
      reportUnlabelled: () => undefined,
    });
    await docker.createVolume({ Name: uniqueName(), Labels: specLabel });
    watch.stop();
    // Hides the verdict that the teardown prints.
    const written = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    return teardown({ rootDir: folder }, { rootDir: folder, testEnvironmentOptions: {} }).finally(() => {
      written.mockRestore();
      // Its time comes when this file has ended.
      cancelExitWatch();
    });
  },

  REAPER_UNAVAILABLE: async () => {
    await using first = await openReaper({ listen: { path: join(folder, 'taken.sock') } });
    return await openReaper({ listen: { path: first.address } });
  },

  REAPER_PROTOCOL: async () => {
    await using reaper = await openReaper({ listen: { path: join(folder, 'reaper.sock') } });
    const client = new LeaseClient({
      hello: { version: '0.1.0', session: 'one', owner: readOwner() },
      connect: async () => openReaperConnection(connect(reaper.address), 'the reaper of the spec'),
    });
    try {
      return await client.open(['team=a']);
    } finally {
      await client.close();
    }
  },
};

async function openRunWithoutReaper(): Promise<Run> {
  const { CASTOFF_REAPER: before } = process.env;
  process.env['CASTOFF_REAPER'] = 'off';
  try {
    return await openRun(resolveSettings({}, {}));
  } finally {
    if (before === undefined) delete process.env['CASTOFF_REAPER'];
    else process.env['CASTOFF_REAPER'] = before;
  }
}

describe('each error code', () => {
  it.each(Object.entries(causes))('is on an error that users can get: %s', async (code, cause) => {
    const error = await rejectionOf(cause());
    expect(error).toMatchObject({ code });
    expect(isCastoffError(error, code as ErrorCode)).toBe(true);
  });
});
