import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { connectEngine } from '../../lib/engine/connect';
import { cleanupNetwork, openScope } from '../../lib/index';
import type { RemovableKind } from '../../lib/core/kinds';
import { askEngine } from '../support/ask-engine';
import { cleanupByKind } from '../support/cleanup-by-kind';
import { findProcesses } from '../support/close-engine';
import { collectEvents } from '../support/collect-events';
import { openCutRelay } from '../support/cut-relay';
import type { SecondEngine } from '../support/engine-process';
import { openFaultProxy } from '../support/fault-proxy';
import { openPodmanEngine } from '../support/podman-engine';
import { runCastoff } from '../support/run-castoff';
import { sleeper, specImage } from '../support/spec-image';
import { dockerCommand } from '../support/docker-command';
import {
  createIdleContainer,
  createRunningContainer,
  createThing,
  exists,
  uniqueName,
} from '../support/things';

let podman: SecondEngine;
let docker: Docker;
beforeAll(async () => {
  podman = await openPodmanEngine();
  docker = new Docker({ socketPath: podman.socketPath });
});
afterAll(() => podman.close());

describe('a Podman engine', () => {
  const command = (...args: string[]) => dockerCommand(podman.address, args);

  it('is detected as Podman on its socket', async () => {
    const { body } = await askEngine(podman.socketPath, 'GET', '/version');
    expect(body).toContain('Podman Engine');
  });

  it('is examined by castoff doctor', async () => {
    const { exitCode, stdout } = await runCastoff(['doctor', '-H', podman.address]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ok {4}version +Podman \d\S*, API 1\.\d+, store \w+$/m);
    expect(stdout).toMatch(/^ok {4}clock /m);
  });

  it.each(['bridge', 'host'])('runs a container on network %s', async (network) => {
    const id = await command('run', '--detach', '--network', network, 'castoff-spec/busybox:1');
    expect(await command('inspect', '--format', '{{.State.Status}}', id)).toBe('running');
    await command('rm', '--force', id);
  });

  it('lets containers on one network reach each other', async () => {
    await command('network', 'create', 'between');
    const callee = await command('run', '--detach', '--network', 'between', 'castoff-spec/busybox:1');
    const address = await command(
      'inspect',
      '--format',
      '{{.NetworkSettings.Networks.between.IPAddress}}',
      callee,
    );
    const ping = await command(
      'run',
      '--rm',
      '--network',
      'between',
      '--cap-add',
      'NET_RAW',
      'castoff-spec/busybox:1',
      'ping',
      '-c1',
      address,
    );
    expect(ping).toContain('1 packets received');
    await command('rm', '--force', callee);
    await command('network', 'rm', 'between');
  });
});

describe('castoff on Podman', () => {
  const kinds: readonly RemovableKind[] = ['container', 'network', 'volume', 'image'];
  it.each(kinds)('verifies the cleanup of a %s, for one caller and for five at once', async (kind) => {
    const id = await createThing(kind, docker);
    const engine = podman.address;
    const results = await Promise.all(Array.from({ length: 5 }, () => cleanupByKind[kind](id, { engine })));
    expect(results.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 5 }, () => 'removed'));
    expect(await exists(kind, id, docker)).toBe(false);
    expect(await cleanupByKind[kind](id, { engine })).toMatchObject({ outcome: 'already-gone' });
  });

  it('does not fail when other clients remove the same container', async () => {
    const id = await createRunningContainer({}, docker);
    const remove = () => docker.getContainer(id).remove({ force: true });
    const [ours] = await Promise.allSettled([
      cleanupByKind.container(id, { engine: podman.address }),
      remove(),
      remove(),
    ]);
    expect(ours).toMatchObject({ status: 'fulfilled' });
    expect(await exists('container', id, docker)).toBe(false);
  });

  it('disconnects the containers of a network', async () => {
    const network = await createThing('network', docker);
    const container = await createIdleContainer({ HostConfig: { NetworkMode: network } }, docker);
    expect(await cleanupNetwork(network, { engine: podman.address })).toMatchObject({ outcome: 'removed' });
    expect(await exists('container', container, docker)).toBe(true);
    await docker.getContainer(container).remove({ force: true });
  });

  it('kills a container before its removal, because newer versions would wait for a graceful stop', async () => {
    await using proxy = await openFaultProxy({ upstream: podman.socketPath });
    const id = await createRunningContainer({}, docker);
    await cleanupByKind.container(id, { engine: proxy.address });
    const sent = proxy.calls.map(({ method, path }) => `${method} ${path.replace(/\?.*/, '')}`);
    const kill = sent.findIndex((call) => call.endsWith(`/containers/${id}/kill`));
    expect(kill).toBeGreaterThan(-1);
    expect(sent.findIndex((call) => call.startsWith('DELETE'))).toBeGreaterThan(kill);
  });

  it.each(['running', 'created', 'exited'])(
    'disconnects a container that is %s from a network that is removed by id',
    async (status) => {
      await using proxy = await openFaultProxy({ upstream: podman.socketPath });
      const name = uniqueName();
      const { id: network } = await docker.createNetwork({ Name: name });
      const { id: container } = await docker.createContainer({
        Image: specImage,
        Cmd: status === 'exited' ? ['true'] : sleeper,
        HostConfig: { NetworkMode: name },
      });
      if (status !== 'created') await docker.getContainer(container).start();
      if (status === 'exited') await docker.getContainer(container).wait();
      await cleanupNetwork(network, { engine: proxy.address });
      expect(await exists('network', name, docker)).toBe(false);
      const changes = proxy.calls.filter(({ method }) => method !== 'GET');
      expect(changes.map(({ method, path, status: answer }) => `${method} ${path} ${answer}`)).toEqual([
        `DELETE /networks/${name} 500`,
        `POST /networks/${network}/disconnect 200`,
        `DELETE /networks/${network} 204`,
      ]);
      await docker.getContainer(container).remove({ force: true });
    },
  );

  it('disconnects a container that connects while others are disconnected', async () => {
    await using proxy = await openFaultProxy({ upstream: podman.socketPath });
    const network = await createThing('network', docker);
    const HostConfig = { NetworkMode: network };
    await createRunningContainer({ HostConfig }, docker);
    const held = proxy.hold(`POST /networks/${network}/disconnect`);
    const cleanup = cleanupNetwork(network, { engine: proxy.address });
    await held.arrived();
    const late = await createRunningContainer({ HostConfig }, docker);
    held.release();
    expect(await cleanup).toMatchObject({ outcome: 'removed' });
    expect((await docker.getContainer(late).inspect()).NetworkSettings.Networks).toEqual({});
    await docker.getContainer(late).remove({ force: true });
  });

  it('refuses to remove the default network, and disconnects no container from it', async () => {
    const id = await createRunningContainer({ HostConfig: { NetworkMode: 'bridge' } }, docker);
    await expect(cleanupNetwork('podman', { engine: podman.address })).rejects.toMatchObject({
      code: 'CLEANUP_FAILED',
      message: expect.stringContaining('default network podman cannot be removed'),
    });
    expect((await docker.getContainer(id).inspect()).NetworkSettings.Networks).toHaveProperty('podman');
    await docker.getContainer(id).remove({ force: true });
  });

  it('removes an image by its id without sha256:', async () => {
    const { id } = await docker.createContainer({ Image: specImage });
    const { Id } = (await docker.getContainer(id).commit()) as { Id: string };
    await docker.getContainer(id).remove();
    const bareId = Id.replace('sha256:', '');
    const fullId = `sha256:${bareId}`;
    expect(await exists('image', fullId, docker)).toBe(true);
    expect(await cleanupByKind.image(bareId, { engine: podman.address })).toMatchObject({
      outcome: 'removed',
      attempts: 1,
    });
    expect(await exists('image', fullId, docker)).toBe(false);
  });

  it('removes adopted resources with their scope, and reads a post-mortem', async () => {
    const Cmd = ['sh', '-c', 'echo out; echo err >&2; exit 3'];
    const id = await createRunningContainer({ Cmd }, docker);
    await docker.getContainer(id).wait();
    const { postMortem } = await cleanupByKind.container(id, { engine: podman.address, postMortem: true });
    expect(postMortem).toMatchObject({
      status: 'exited',
      exitCode: 3,
      logLines: expect.arrayContaining([
        { stream: 'stdout', text: 'out' },
        { stream: 'stderr', text: 'err' },
      ]),
    });

    const scope = openScope('podman', { engine: podman.address });
    const adopted = await createIdleContainer({}, docker);
    await scope.adopt(adopted);
    await scope.close();
    expect(await exists('container', adopted, docker)).toBe(false);
  });

  it('reports events like Docker does, and lists again after a lost connection', async () => {
    await using relay = await openCutRelay({ upstream: podman.socketPath });
    const label = uniqueName();
    await using watch = collectEvents(await connectEngine(relay.address), { labels: [label] });
    expect(await watch.untilListed()).toEqual({ type: 'listing', targets: [] });
    const id = await createRunningContainer({ Labels: { [label]: '1' } }, docker);
    // The order of Podman's other events (init, stop, cleanup) varies.
    const commonWords = ['create', 'start', 'die', 'destroy'];
    const actions = () =>
      watch
        .events()
        .filter((event) => event.id === id && commonWords.includes(event.action))
        .map(({ action }) => action);
    await watch.until(() => actions().includes('start'));
    await docker.createVolume({ Name: label });
    // Podman 5.4 and later stop a container before they remove it.
    await docker.getContainer(id).kill();
    await docker.getContainer(id).remove({ force: true });
    await watch.until(() => actions().includes('destroy'));
    expect(actions()).toEqual(commonWords);
    expect(watch.events().filter(({ kind }) => kind === 'volume')).toMatchObject([
      { action: 'create', id: label },
    ]);
    expect(watch.events().find(({ action }) => action === 'die')).toMatchObject({ exitCode: 137 });
    relay.hold();
    const created = await createIdleContainer({ Labels: { [label]: '1' } }, docker);
    relay.release();
    expect(await watch.untilListed()).toMatchObject({ targets: [{ kind: 'container', id: created }] });
    await docker.getContainer(created).remove({ force: true });
  });
});

describe('cleanup on Podman of a removed resource', () => {
  it.each(['container', 'network', 'image'] as const)(
    'keeps another %s whose id starts with its name',
    async (kind) => {
      const id = {
        container: () => createIdleContainer({}, docker),
        network: async () => (await docker.createNetwork({ Name: uniqueName() })).id,
        image: async () => (await docker.getImage(specImage).inspect()).Id.replace('sha256:', ''),
      }[kind];
      const theirs = await id();
      const result = await cleanupByKind[kind](theirs.slice(0, 8), { engine: podman.address });
      expect(result).toMatchObject({ outcome: 'already-gone', attempts: 0 });
      expect(await exists(kind, theirs, docker)).toBe(true);
      expect(await cleanupByKind[kind](uniqueName(), { engine: podman.address })).toMatchObject({
        outcome: 'already-gone',
      });
    },
  );

  it('keeps an image with its name in another repository', async () => {
    const name = uniqueName();
    await docker.getImage(specImage).tag({ repo: `localhost/somebody/${name}`, tag: '1' });
    const asked = { engine: podman.address };
    expect(await cleanupByKind.image(`${name}:1`, asked)).toMatchObject({ outcome: 'already-gone' });
    expect(await exists('image', `localhost/somebody/${name}:1`, docker)).toBe(true);
    expect(await cleanupByKind.image(`somebody/${name}:1`, asked)).toMatchObject({ outcome: 'removed' });
    expect(await exists('image', `localhost/somebody/${name}:1`, docker)).toBe(false);
  });
});

describe('a Podman engine that is closed', () => {
  it('leaves no process, mount, namespace or folder', async () => {
    const folder = dirname(podman.socketPath);
    await createRunningContainer({}, docker);
    expect(findProcesses(folder)).not.toEqual([]);
    await podman.close();
    expect(findProcesses(folder)).toEqual([]);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(folder);
    expect(existsSync(folder)).toBe(false);
  });
});
