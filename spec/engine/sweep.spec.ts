import { spawn } from 'node:child_process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type Docker from 'dockerode';
import { isCastoffError, type SweepOptions } from '../../lib/index';
import { readOwner } from '../../lib/processes/owner';
import { readLinuxProcess } from '../../lib/processes/owner-linux';
import { stillThere } from '../support/claimed-things';
import { createInheriting, createOwned } from '../support/inheriting-things';
import { removeLeftovers } from '../support/leftovers';
import { commitOwned, createLabelled, deadOwner, labelsOf, someSession } from '../support/owned-things';
import { openOwnTemporaryFolder } from '../support/own-temporary-folder';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import { rejectionOf } from '../support/rejection';
import { killAndWait } from '../support/started-session';
import { specLabel, uniqueName } from '../support/things';
import { describeAdopted } from './sweep/adopted';
import { describeBackground } from './sweep/background';
import { describeCommand } from './sweep/command';
import { describeFailingEngine } from './sweep/failing-engine';
import { describeInContainer } from './sweep/in-container';
import { describeKilledProcess } from './sweep/killed-process';
import { createStage, endContainer, find, type SweepStage } from './sweep/stage';

// A separate engine: a sweep would remove what other specs have left on purpose.
let engine: PrivateEngine;
let stage: SweepStage;
let docker: Docker;
let isThere: SweepStage['isThere'];
let sweepHere: SweepStage['sweepHere'];
let session: string;
let temporary: ReturnType<typeof openOwnTemporaryFolder>;

beforeAll(async () => {
  engine = await openPrivateEngine();
  temporary = openOwnTemporaryFolder();
  stage = createStage(engine);
  ({ docker, isThere, sweepHere } = stage);
});
afterAll(async () => {
  temporary.close();
  await engine.close();
});
beforeEach(() => {
  session = someSession();
});
afterEach(() => removeLeftovers(docker));

describeKilledProcess(() => stage);
describeAdopted(() => stage);
describeFailingEngine(() => stage);
describeCommand(() => stage);
describeBackground(() => stage);
describeInContainer(() => stage);

describe('sweep', () => {
  it('removes resources of every kind that a dead owner left', async () => {
    const labels = labelsOf(session, deadOwner());
    const { container, network, volume } = await stage.leaveOfEachKind(labels);
    const tag = `${uniqueName()}:1`;
    const image = await commitOwned(docker, container, tag.split(':')[0]!, labels);

    const report = await sweepHere();

    expect(find(report, container)).toMatchObject({ kind: 'container', action: 'removed', session });
    expect(find(report, network)).toMatchObject({ kind: 'network', action: 'removed' });
    expect(find(report, volume)).toMatchObject({ kind: 'volume', action: 'removed' });
    expect(find(report, image)).toMatchObject({ kind: 'image', action: 'removed' });
    expect(await isThere(container)).toBe(false);
    expect(await isThere(network, 'network')).toBe(false);
    expect(await isThere(volume, 'volume')).toBe(false);
    expect(await isThere(tag, 'image')).toBe(false);
  });

  it('keeps resources of others that inherit a dead owner’s labels, with every flag', async () => {
    const labels = labelsOf(session, deadOwner());
    const owned = await createOwned(docker, labels);
    const { strangers, base } = await createInheriting(docker, labels);
    await sweepHere({ olderThanMs: 0, foreign: true, otherHosts: true });
    await sweepHere();
    expect(await stillThere(owned, docker)).toEqual([]);
    expect(await stillThere(strangers, docker)).toEqual(strangers);
    expect(await isThere(base, 'image')).toBe(false);
  });

  it('keeps resources of owners that are alive, on other hosts, unknown or missing', async () => {
    const kept: readonly (readonly [proof: string, labels: Record<string, string>])[] = [
      [`process ${process.pid} is alive`, labelsOf(someSession(), readOwner())],
      ['another host: ci-3', labelsOf(someSession(), { ...deadOwner(), host: 'ci-3' })],
      [
        'another boot, of this machine or of another',
        labelsOf(someSession(), { ...deadOwner(), boot: 'another', machine: undefined }),
      ],
      ['pid namespace 1, which', labelsOf(someSession(), { ...deadOwner(), pidNamespace: '1' })],
      ['may not be the owner', labelsOf(someSession(), { ...readOwner(), pidStart: undefined })],
      ['names no owner', { 'castoff.session': someSession() }],
    ];
    const ids = await Promise.all(kept.map(([, labels]) => createLabelled(docker, labels)));

    const report = await sweepHere();

    for (const [index, id] of ids.entries()) {
      expect(find(report, id)).toMatchObject({
        action: 'kept',
        proof: expect.stringContaining(kept[index]![0]),
      });
      expect(await isThere(id)).toBe(true);
    }
  });

  it('treats a reused pid as another process, and the same pid and start as the owner', async () => {
    const sleeping = spawn('sleep', ['600']);
    try {
      const alive = { ...readOwner(), pid: sleeping.pid! };
      const stat = startOf(sleeping.pid!);
      const reused = await createLabelled(docker, labelsOf(session, { ...alive, pidStart: '1' }));
      const owned = await createLabelled(docker, labelsOf(someSession(), { ...alive, pidStart: stat }));

      const report = await sweepHere();

      expect(find(report, reused)).toMatchObject({
        action: 'removed',
        proof: expect.stringContaining(`pid ${sleeping.pid} now belongs to a process that started at 20`),
      });
      expect(find(report, owned)).toMatchObject({
        action: 'kept',
        proof: `process ${sleeping.pid} is alive`,
      });
      expect(await isThere(reused)).toBe(false);
      expect(await isThere(owned)).toBe(true);
    } finally {
      await killAndWait(sleeping);
    }
  });

  it('keeps all of a session while one of its owners is alive', async () => {
    const ofDead = await createLabelled(docker, labelsOf(session, deadOwner()));
    const ofLiving = await createLabelled(docker, labelsOf(session, readOwner()));

    const report = await sweepHere();

    expect(find(report, ofDead)).toMatchObject({ action: 'kept', proof: `process ${process.pid} is alive` });
    expect(await isThere(ofDead)).toBe(true);
    expect(await isThere(ofLiving)).toBe(true);
  });

  it('keeps a running reaper, and removes castoff’s reaper when it does not run', async () => {
    const labels = { ...labelsOf(session, deadOwner()), 'castoff.reaper': 'true' };
    const running = await createLabelled(docker, labels);
    await docker.getContainer(running).start();
    const neverStarted = await createLabelled(docker, labels);
    const ryuk = await createLabelled(docker, {
      ...labelsOf(session, deadOwner()),
      'org.testcontainers.ryuk': 'true',
    });

    const report = await sweepHere();

    expect(find(report, running)).toMatchObject({ action: 'kept', proof: 'a reaper that is running' });
    expect(find(report, neverStarted)).toMatchObject({ action: 'removed' });
    expect(find(report, ryuk)).toMatchObject({ action: 'kept', proof: 'a reaper' });
    expect(await isThere(running)).toBe(true);
    expect(await isThere(neverStarted)).toBe(false);
    expect(await isThere(ryuk)).toBe(true);
  });

  it('removes resources of other hosts only with the flag and an age', async () => {
    const id = await createLabelled(docker, labelsOf(session, { ...deadOwner(), host: 'ci-3' }));

    const young = await sweepHere({ otherHosts: true, olderThanMs: 3_600_000 });
    expect(find(young, id)).toMatchObject({ action: 'kept', proof: expect.stringContaining('is only') });
    expect(await isThere(id)).toBe(true);

    const old = await sweepHere({ otherHosts: true, olderThanMs: 0 });
    expect(find(old, id)).toMatchObject({ action: 'removed' });
    expect(await isThere(id)).toBe(false);
  });

  it('removes Testcontainers’ leftovers only with the flag and an age', async () => {
    const labels = { 'org.testcontainers': 'true', 'org.testcontainers.session-id': session };
    const id = await createLabelled(docker, labels);
    const network = (await docker.createNetwork({ Name: uniqueName(), Labels: { ...specLabel, ...labels } }))
      .id;
    const reused = await createLabelled(docker, { ...labels, 'org.testcontainers.hash': '1f' });
    const ryukLabels = { ...labels, 'org.testcontainers.ryuk': 'true' };

    expect(find(await sweepHere({ olderThanMs: 0 }), id)).toBeUndefined();
    const young = await sweepHere({ foreign: true, olderThanMs: 7_200_000 });
    expect(find(young, id)).toMatchObject({ action: 'kept', session });
    const ryuk = await createLabelled(docker, ryukLabels);
    await docker.getContainer(ryuk).start();
    const reaped = await sweepHere({ foreign: true, olderThanMs: 0 });
    expect(find(reaped, id)).toMatchObject({
      action: 'kept',
      proof: expect.stringMatching(/^its reaper \S+ is running$/),
    });
    expect(await isThere(id)).toBe(true);
    await endContainer(docker, ryuk);

    const old = await sweepHere({ foreign: true, olderThanMs: 0 });

    expect(find(old, id)).toMatchObject({ action: 'removed' });
    expect(find(old, network)).toMatchObject({ action: 'removed' });
    expect(await isThere(id)).toBe(false);
    expect(await isThere(network, 'network')).toBe(false);
    expect(await isThere(reused)).toBe(true);
    expect(find(old, ryuk)).toMatchObject({ action: 'removed', proof: 'a reaper that has exited' });
    expect(await isThere(ryuk)).toBe(false);
  });

  it('removes only what the filter selects, reports nothing else, and leaves the rest to the next sweep', async () => {
    const labels = { ...labelsOf(session, deadOwner()), 'castoff.test': 'stores an order' };
    const { container, network, volume } = await stage.leaveOfEachKind(labels);
    const another = await stage.leave();

    const report = await sweepHere({
      filter: ({ kind, session: own, labels: { 'castoff.test': test } }) =>
        own === session && kind !== 'volume' && test === 'stores an order',
    });

    expect(report.things.map(({ id, action }) => [id, action])).toEqual([
      [container, 'removed'],
      [network, 'removed'],
    ]);
    expect(report.totals).toEqual({ removed: 2, wouldRemove: 0, kept: 0, failed: 0 });
    expect(await isThere(volume, 'volume')).toBe(true);
    expect(await isThere(another)).toBe(true);
    await sweepHere();
    expect(await isThere(volume, 'volume')).toBe(false);
  });

  it.each<[SweepOptions]>([
    [{ filter: 'kind=container' as never }],
    [{ filter: (async () => true) as never }],
    [{ foreign: true }],
    [{ otherHosts: true }],
    [{ olderThanMs: -1 }],
    [{ olderThanMs: Number.NaN }],
    [{ timeoutMs: -1 }],
  ])('refuses to sweep with %j, and removes nothing', async (options) => {
    const id = await createLabelled(docker, labelsOf(session, deadOwner()));
    expect(isCastoffError(await rejectionOf(sweepHere(options)), 'CONFIG_INVALID')).toBe(true);
    expect(await isThere(id)).toBe(true);
  });
});

function startOf(pid: number): string {
  const seen = readLinuxProcess(pid, 0);
  if (seen.seen !== 'process') throw new Error(`no process ${pid}`);
  return seen.start;
}
