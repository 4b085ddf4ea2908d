import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cleanupComposeProject, cleanupContainer } from '../../lib/index';
import { cleanupByKind } from '../support/cleanup-by-kind';
import { removeLeftovers } from '../support/leftovers';
import { openOldEngine, type OtherEngine } from '../support/other-paths';
import {
  createIdleContainer,
  createIdleThing,
  createRunningContainer,
  createThing,
  docker,
  exists,
  uniqueName,
} from '../support/things';

afterAll(() => removeLeftovers());

const kinds = ['container', 'network', 'volume', 'image'] as const;
const minorOf = (version: string): number => Number(version.split('.')[1]);

/** The minor version of the oldest API that the engine supports. */
let oldest: number;
beforeAll(async () => {
  const { MinAPIVersion } = await docker.version();
  oldest = minorOf(MinAPIVersion);
});

describe.each<[string, () => number]>([
  ['the oldest supported API', () => oldest],
  // Since 1.30, a client can wait for a removal; before, the wait ends when the container has stopped.
  ['an API without a wait for removals', () => Math.max(oldest, 29)],
])('an engine with %s', (_what, minor) => {
  let engine: OtherEngine;
  beforeAll(async () => void (engine = await openOldEngine(`1.${minor()}`)));
  afterAll(async () => engine[Symbol.asyncDispose]());

  it.each(kinds)('has a %s removed, and its removal verified', async (kind) => {
    const id = await createIdleThing(kind);
    expect(await cleanupByKind[kind](id, { engine: engine.address })).toMatchObject({ outcome: 'removed' });
    expect(await exists(kind, id)).toBe(false);
    expect(await cleanupByKind[kind](id, { engine: engine.address })).toMatchObject({
      outcome: 'already-gone',
    });
  });

  it('has a removal by another client awaited', async () => {
    const id = await createRunningContainer();
    const theirs = Promise.allSettled([docker.getContainer(id).remove({ force: true })]);
    const { outcome } = await cleanupContainer(id, { engine: engine.address });
    expect(await exists('container', id)).toBe(false);
    expect(['removed', 'removed-elsewhere', 'already-gone']).toContain(outcome);
    await theirs;
  });

  it('has a container stopped, inspected and removed', async () => {
    const id = await createRunningContainer({ Cmd: ['sh', '-c', 'echo last words; exit 3'] });
    await docker.getContainer(id).wait();
    const options = { engine: engine.address, stopTimeoutMs: 1_000, postMortem: true };
    expect(await cleanupContainer(id, options)).toMatchObject({
      outcome: 'removed',
      postMortem: { exitCode: 3, logLines: [{ text: 'last words' }], gaps: [] },
    });
  });

  it('has a network disconnected from its containers and removed', async () => {
    const network = await createThing('network');
    const container = await createRunningContainer({ HostConfig: { NetworkMode: network } });
    expect(await cleanupByKind.network(network, { engine: engine.address })).toMatchObject({
      outcome: 'removed',
    });
    expect(await exists('network', network)).toBe(false);
    expect(await exists('container', container)).toBe(true);
  });

  it('has a Compose project removed, and no other resource', async () => {
    const project = uniqueName();
    const bystander = await createIdleContainer();
    const part = await createIdleContainer({ Labels: { 'com.docker.compose.project': project } });
    const { parts } = await cleanupComposeProject(project, { engine: engine.address });
    expect(parts).toMatchObject([{ id: part, outcome: 'removed' }]);
    expect(await exists('container', bystander)).toBe(true);
  });
});

describe('an engine that does not support the API of its client', () => {
  it.each<[string, () => number]>([
    ['too old', () => oldest - 1],
    ['too new', () => 99],
  ])('reports that it is %s', async (problem, minor) => {
    await using engine = await openOldEngine(`1.${minor()}`);
    const id = await createIdleContainer();
    await expect(cleanupContainer(id, { engine: engine.address })).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringMatching(new RegExp(`client version 1\\.${minor()} is ${problem}`)),
    });
    expect(await exists('container', id)).toBe(true);
  });
});
