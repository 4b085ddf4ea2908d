import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type Docker from 'dockerode';
import { GenericContainer } from 'testcontainers';
import { cleanupComposeProject, cleanupContainer, isCastoffError, type Ref } from '../../lib/index';
import { watchExitCodes } from '../support/exit-codes';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { sleeper, specImage } from '../support/spec-image';
import {
  createIdleContainer,
  createRunningContainer,
  docker,
  exists,
  specLabel,
  uniqueName,
} from '../support/things';
import { until } from '../support/until';

afterAll(() => removeLeftovers());

/** A shell that prints when it is ready, and that handles SIGTERM. */
const deaf = ['sh', '-c', "trap '' TERM; echo ready; while :; do sleep 1; done"];

async function create(options: Docker.ContainerCreateOptions = {}): Promise<Docker.Container> {
  return docker.createContainer({ Image: specImage, Cmd: sleeper, ...options, Labels: specLabel });
}

async function statusOf(id: string): Promise<string> {
  const { State } = await docker.getContainer(id).inspect();
  return State.Status;
}

/** Waits until the container's main process has set its traps. */
async function untilReady(id: string): Promise<void> {
  const isReady = async (): Promise<boolean> => {
    const output = await docker.getContainer(id).logs({ stdout: true, follow: false });
    return output.includes('ready');
  };
  expect(await until(isReady)).toBe(true);
}

describe('cleanupContainer', () => {
  const states: Readonly<Record<string, () => Promise<string>>> = {
    created: async () => (await create()).id,
    running: () => createRunningContainer(),
    paused: async () => {
      const id = await createRunningContainer();
      await docker.getContainer(id).pause();
      return id;
    },
    exited: async () => {
      const id = await createRunningContainer({ Cmd: ['true'] });
      await docker.getContainer(id).wait();
      return id;
    },
    restarting: async () => {
      const restart = { RestartPolicy: { Name: 'always' } };
      const id = await createRunningContainer({ Cmd: ['false'], HostConfig: restart });
      expect(await until(async () => (await statusOf(id)) === 'restarting')).toBe(true);
      return id;
    },
  };

  it.each(Object.entries(states))('removes a container that is %s', async (status, make) => {
    const id = await make();
    // It may have restarted since it was seen to be restarting.
    expect([status, status === 'restarting' ? 'running' : status]).toContain(await statusOf(id));
    const result = await cleanupContainer(id);
    expect(result).toMatchObject({ kind: 'container', id, outcome: 'removed', attempts: 1 });
    expect(result.durationMs).toBeGreaterThan(0);
    expect(await exists('container', id)).toBe(false);
  });

  it('kills a running container and removes it, without a stop', async () => {
    await using proxy = await openFaultProxy();
    const id = await createRunningContainer();
    const exitCodes = await watchExitCodes(id);
    await cleanupContainer(id, { engine: proxy.address });
    expect(await exists('container', id)).toBe(false);
    expect(await exitCodes()).toEqual(['137']);
    const changes = proxy.calls.filter(({ method }) => method !== 'GET');
    expect(changes.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `DELETE /containers/${id}?force=true&v=true`,
    ]);
  });

  it.each<[string, (container: Docker.Container, name: string) => Ref]>([
    ['its id', ({ id }) => id],
    ['its short id', ({ id }) => id.slice(0, 12)],
    ['its name', (_, name) => name],
    ['its name with the leading slash of the engine', (_, name) => `/${name}`],
    ['dockerode’s object', (container) => container],
    ['an object with getId()', ({ id }) => ({ getId: () => id })],
  ])('finds a container by %s', async (_what, refOf) => {
    const name = uniqueName();
    const container = await create({ name });
    const result = await cleanupContainer(refOf(container, name));
    expect(result).toMatchObject({ id: container.id, outcome: 'removed' });
    expect(await exists('container', container.id)).toBe(false);
  });

  it('finds a container started by testcontainers', async () => {
    const started = await new GenericContainer(specImage)
      .withLabels(specLabel)
      .withNetworkMode('none')
      .start();
    expect(await cleanupContainer(started)).toMatchObject({ id: started.getId(), outcome: 'removed' });
    expect(await exists('container', started.getId())).toBe(false);
  });

  it('reports the name of a container given by name', async () => {
    const name = uniqueName();
    await create({ name });
    expect(await cleanupContainer(name)).toMatchObject({ name, outcome: 'removed' });
  });

  it.each([
    ['an id', randomBytes(32).toString('hex')],
    ['a short id', randomBytes(6).toString('hex')],
    ['a name', uniqueName()],
  ])('reports a container as already gone when the engine does not know %s', async (_what, ref) => {
    expect(await cleanupContainer(ref)).toMatchObject({ id: ref, outcome: 'already-gone' });
  });

  it('reports a container that it has removed as already gone the next time', async () => {
    const id = await createIdleContainer();
    expect(await cleanupContainer(id)).toMatchObject({ outcome: 'removed' });
    expect(await cleanupContainer(id)).toMatchObject({ outcome: 'already-gone' });
  });

  describe('cleanupContainer, for a container with anonymous volumes', () => {
    const createWithVolume = async () => {
      const id = await createIdleContainer({ Volumes: { '/data': {} } });
      const { Mounts } = await docker.getContainer(id).inspect();
      return { id, volume: Mounts[0]?.Name ?? 'none' };
    };

    it('removes anonymous volumes', async () => {
      const { id, volume } = await createWithVolume();
      expect(await exists('volume', volume)).toBe(true);
      await cleanupContainer(id);
      expect(await exists('volume', volume)).toBe(false);
    });

    it('keeps anonymous volumes with removeVolumes: false', async () => {
      const { id, volume } = await createWithVolume();
      await cleanupContainer(id, { removeVolumes: false });
      expect(await exists('container', id)).toBe(false);
      expect(await exists('volume', volume)).toBe(true);
      await docker.getVolume(volume).remove();
    });
  });

  describe('cleanupContainer with stopTimeoutMs', () => {
    const polite = ['sh', '-c', "trap 'exit 7' TERM; echo ready; while :; do sleep 1 & wait $!; done"];

    it('lets a container exit by itself within its grace', async () => {
      const id = await createRunningContainer({ Cmd: polite });
      await untilReady(id);
      const exitCodes = await watchExitCodes(id);
      expect(await cleanupContainer(id, { stopTimeoutMs: 10_000 })).toMatchObject({ outcome: 'removed' });
      expect(await exitCodes()).toEqual(['7']);
    });

    it('kills a container after its grace', async () => {
      const id = await createRunningContainer({ Cmd: deaf });
      await untilReady(id);
      const exitCodes = await watchExitCodes(id);
      const { durationMs } = await cleanupContainer(id, { stopTimeoutMs: 500 });
      expect(await exitCodes()).toEqual(['137']);
      // The engine rounds to whole seconds.
      expect(durationMs).toBeGreaterThan(900);
    });

    it('removes an exited container with a grace', async () => {
      const id = await createRunningContainer({ Cmd: ['true'] });
      await docker.getContainer(id).wait();
      expect(await cleanupContainer(id, { stopTimeoutMs: 10_000 })).toMatchObject({ outcome: 'removed' });
      expect(await exists('container', id)).toBe(false);
    });

    it('verifies the removal of an auto-removed container after its stop', async () => {
      const id = await createRunningContainer({ Cmd: polite, HostConfig: { AutoRemove: true } });
      await untilReady(id);
      const exitCodes = await watchExitCodes(id);
      const { outcome } = await cleanupContainer(id, { stopTimeoutMs: 10_000 });
      expect(['removed', 'removed-elsewhere']).toContain(outcome);
      expect(await exists('container', id)).toBe(false);
      expect(await exitCodes()).toEqual(['7']);
    });
  });

  it('treats an undefined option like a missing one', async () => {
    const id = await createIdleContainer();
    const options = { engine: undefined, timeoutMs: undefined, signal: undefined, removeVolumes: undefined };
    expect(await cleanupContainer(id, options)).toMatchObject({ outcome: 'removed' });
  });
});

describe('cleanupContainer, observed by a proxy', () => {
  let proxy: FaultProxy;
  beforeAll(async () => void (proxy = await openFaultProxy()));
  afterAll(() => proxy.close());
  let callsBefore = 0;
  beforeEach(() => void (callsBefore = proxy.calls.length));
  const asked = (): readonly string[] =>
    proxy.calls.slice(callsBefore).map(({ method, path }) => `${method} ${path}`);
  afterEach(() => proxy.removeRules());

  it('sends one removal and one final inspection for a full id', async () => {
    const id = await createIdleContainer();
    await cleanupContainer(id, { engine: proxy.address });
    const ofIt = asked().filter((call) => call.includes(id));
    expect(ofIt).toEqual([`DELETE /containers/${id}?force=true&v=true`, `GET /containers/${id}/json`]);
  });

  it("reports another client's removal between its inspection and its removal as removed-elsewhere", async () => {
    const name = uniqueName();
    const { id } = await create({ name });
    const held = proxy.hold(`DELETE /containers/${id}`);
    const cleanup = cleanupContainer(name, { engine: proxy.address });
    await held.arrived();
    await docker.getContainer(id).remove({ force: true });
    held.release();
    expect(await cleanup).toMatchObject({ id, outcome: 'removed-elsewhere', name });
  });

  it('tries to remove a container that cannot be inspected', async () => {
    const id = await createIdleContainer();
    proxy.inject({
      on: `GET /containers/${id}/json`,
      fault: { type: 'answer', status: 500, message: 'RWLayer of container is unexpectedly nil' },
      times: Infinity,
    });
    proxy.inject({
      on: `DELETE /containers/${id}`,
      fault: { type: 'answer', status: 500, message: 'once' },
    });
    expect(await cleanupContainer(id, { engine: proxy.address })).toMatchObject({
      outcome: 'removed',
    });
    expect(await exists('container', id)).toBe(false);
  });

  it('reports the full id even after a lost first inspection', async () => {
    const name = uniqueName();
    const { id } = await create({ name });
    proxy.inject({ on: `GET /containers/${name}/json`, fault: { type: 'reset' } });
    expect(await cleanupContainer(name, { engine: proxy.address })).toMatchObject({
      id,
      name,
      outcome: 'removed',
    });
    expect(await exists('container', id)).toBe(false);
  });

  it.each([
    ['500', { type: 'answer', status: 500, message: 'no luck' } as const, 3_000, /: 500 no luck \(/],
    ['nothing', { type: 'swallow' } as const, 3_000, /: no response within \d+ ms \(/],
  ])(
    'fails with details when the engine answers %s until the deadline',
    async (_what, fault, timeoutMs, pattern) => {
      const id = await createIdleContainer();
      proxy.inject({ on: `DELETE /containers/${id}`, fault, times: Infinity });
      const error: unknown = await cleanupContainer(id, { engine: proxy.address, timeoutMs }).catch(
        (reason: unknown) => reason,
      );
      expect(isCastoffError(error, 'CLEANUP_FAILED')).toBe(true);
      expect(error).toMatchObject({
        message: expect.stringMatching(
          new RegExp(
            `^remove container .*\\(${id.slice(0, 12)}\\): .*attempts? in [\\d.]+ m?s, last seen created\\); `,
          ),
        ),
        evidence: { kind: 'container', id, lastStatus: 'created', attempts: expect.any(Number) },
        cause: expect.anything(),
      });
      expect(error).toMatchObject({ message: expect.stringMatching(pattern) });
      expect((error as { evidence: { attempts: number } }).evidence.attempts).toBeGreaterThan(0);
      await docker.getContainer(id).remove({ force: true });
    },
  );

  it('names the process and the shim of a container that cannot be killed', async () => {
    const id = await createRunningContainer();
    const message = 'could not kill: tried to kill container, but did not receive an exit event';
    proxy.inject({
      on: `DELETE /containers/${id}`,
      fault: { type: 'answer', status: 500, message },
      times: Infinity,
    });
    const { State } = await docker.getContainer(id).inspect();
    await expect(cleanupContainer(id, { engine: proxy.address, timeoutMs: 1_000 })).rejects.toMatchObject({
      message: expect.stringMatching(
        new RegExp(`; its process ${State.Pid} \\(state \\w, child of [\\w.-]+ \\d+ in state \\w\\); see`),
      ),
      evidence: { process: { pid: State.Pid, shim: expect.stringMatching(/^(containerd-shim|conmon)/) } },
    });
    await docker.getContainer(id).remove({ force: true });
  });

  it('reports that the engine did not answer when nothing else is known', async () => {
    const id = await createIdleContainer();
    proxy.inject({ on: '* /containers/**', fault: { type: 'swallow' }, times: Infinity });
    await expect(cleanupContainer(id, { engine: proxy.address, timeoutMs: 60 })).rejects.toMatchObject({
      code: 'CLEANUP_FAILED',
      message: expect.stringMatching(
        new RegExp(`^remove container ${id.slice(0, 12)}: the engine did not answer \\(`),
      ),
      cause: { code: 'DEADLINE_EXCEEDED' },
    });
    await docker.getContainer(id).remove({ force: true });
  });
});

describe('cleanupContainer on an unreachable engine', () => {
  it('reports an unreachable engine, with the addresses that were tried', async () => {
    await expect(cleanupContainer(uniqueName(), { engine: 'unix:///no/such.sock' })).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringContaining('/no/such.sock'),
    });
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a container', () => cleanupContainer('app', { engine: silent.address, timeoutMs: 100 })],
    ['a Compose project', () => cleanupComposeProject('app', { engine: silent.address, timeoutMs: 100 })],
  ])('fails at the deadline and not before when the engine is silent, for %s', async (_what, clean) => {
    const startedAt = performance.now();
    await expect(clean()).rejects.toMatchObject({
      code: 'CLEANUP_FAILED',
      message: expect.stringMatching(/^remove (container|Compose project) app: the engine did not answer/),
      cause: { code: 'DEADLINE_EXCEEDED' },
    });
    expect(performance.now() - startedAt).toBeGreaterThan(95);
  });

  it('rejects with the reason of a signal that aborts while the engine is silent', async () => {
    const leaving = new AbortController();
    const cleanup = cleanupContainer('app', { engine: silent.address, signal: leaving.signal });
    const reason = new Error('no longer wanted');
    leaving.abort(reason);
    await expect(cleanup).rejects.toBe(reason);
  });

  let silent: FaultProxy;
  beforeAll(async () => {
    silent = await openFaultProxy();
    silent.inject({ on: '* **', fault: { type: 'swallow' }, times: Infinity });
  });
  afterAll(() => silent.close());
});
