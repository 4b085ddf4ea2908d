import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import Docker, { type VolumeInspectInfo } from 'dockerode';
import { cleanupSession, isCastoffError, sweep } from '../../lib/index';
import { reapClaim } from '../../lib/reaper/reap';
import type { RegistryEntry } from '../../lib/registry/entry';
import { readOwner } from '../../lib/registry/owner';
import { readLinuxProcess } from '../../lib/registry/owner-linux';
import { journalFolder } from '../../lib/registry/session-identity';
import type { RemovableKind } from '../../lib/engine/removable-kind';
import type { SweepReport, SweptThing } from '../../lib/session/sweep-report';
import { bundleForNode, type Bundle } from '../support/bundle';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { connectEngine } from '../../lib/engine/connect';
import { lookLast } from '../../lib/session/last-look';
import { removeCondemned } from '../../lib/session/sweep-remove';
import { claimOn, stillThere } from '../support/claimed-things';
import { createInheriting, createOwned } from '../support/inheriting-things';
import { commitOwned, createLabelled, deadOwner, labelsOf, someSession } from '../support/owned-things';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import { rejectionOf } from '../support/rejection';
import { runCastoff } from '../support/run-castoff';
import { createThing, exists, specLabel, uniqueName } from '../support/things';

// An engine of its own: a sweep takes what the specs beside this one have left on purpose.
let engine: PrivateEngine;
let docker: Docker;
let session: string;

beforeAll(async () => {
  engine = await openPrivateEngine();
  docker = new Docker({ socketPath: engine.socketPath });
});
afterAll(() => engine.close());
beforeEach(() => {
  session = someSession();
});
afterEach(() => removeLeftovers(docker));

const isThere = (id: string, kind: RemovableKind = 'container'): Promise<boolean> => exists(kind, id, docker);
const sweepHere = (options: Parameters<typeof sweep>[0] = {}): Promise<SweepReport> =>
  sweep({ engine: engine.address, ...options });
const find = (report: SweepReport, id: string): SweptThing | undefined =>
  report.things.find((thing) => thing.id === id);

describe('what a killed process has left', () => {
  let castoff: Bundle;
  let owner: ChildProcess;
  let volume: string;
  let started: { readonly session: string; readonly entries: readonly RegistryEntry[] };

  beforeAll(async () => {
    castoff = await bundleForNode('index.ts');
  });
  afterAll(async () => castoff[Symbol.asyncDispose]());

  beforeEach(async () => {
    volume = uniqueName();
    const fixture = join(__dirname, '../fixtures/crash/start-and-wait.cjs');
    owner = spawn(process.execPath, [fixture, volume, castoff.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, DOCKER_HOST: engine.address, CASTOFF_REAPER: 'off', NODE_NO_WARNINGS: '1' },
    });
    const [line] = await once(createInterface(owner.stdout!), 'line');
    started = JSON.parse(String(line));
  });
  afterEach(async () => {
    await kill();
    await sweepHere();
  });

  it('is removed with the proof of each, and nothing else is touched', async () => {
    const bystanders = await Promise.all(
      (['container', 'network', 'volume'] as const).map(async (kind) => ({
        kind,
        id: await createThing(kind, docker),
      })),
    );
    const ofLiving = await createLabelled(docker, labelsOf(session, readOwner()));
    expect(await sweepHere()).toMatchObject({ totals: { removed: 0, failed: 0 } });
    await kill();
    expect(await left()).toHaveLength(5);

    const { exitCode, stdout, stderr } = await runCastoff(['sweep'], { DOCKER_HOST: engine.address });

    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(await left()).toEqual([]);
    const lines = stdout.split('\n').filter((line) => line.includes(started.session));
    expect(lines).toHaveLength(5);
    for (const { kind, name, id } of started.entries)
      expect(lines).toContainEqual(
        expect.stringMatching(
          new RegExp(
            `^removed +${kind} +${name ?? id} +${started.session} +\\S+ pid ${owner.pid} .*no process ${owner.pid} on this boot`,
          ),
        ),
      );
    expect(stdout).toMatch(/\n5 removed, \d+ kept, 0 failed on unix:/);
    expect(existsSync(journalFolder(started.session))).toBe(false);
    for (const { kind, id } of bystanders) expect(await isThere(id, kind)).toBe(true);
    expect(await isThere(ofLiving)).toBe(true);
  });

  it('stays in a dry run, which says what would go', async () => {
    await kill();

    const report = await sweepHere({ dryRun: true });

    const mine = report.things.filter((thing) => thing.session === started.session);
    expect(mine.map(({ action }) => action)).toEqual(Array.from({ length: 5 }, () => 'would-remove'));
    expect(report.totals).toMatchObject({ wouldRemove: 5, removed: 0 });
    expect(await left()).toHaveLength(5);
    expect(existsSync(journalFolder(started.session))).toBe(true);
  });

  it('goes in two sweeps at once, and neither takes it for an error', async () => {
    await kill();

    const reports = await Promise.all([sweepHere(), sweepHere(), sweepHere()]);

    expect(reports.map(({ totals }) => totals.failed)).toEqual([0, 0, 0]);
    expect(await left()).toEqual([]);
    expect(existsSync(journalFolder(started.session))).toBe(false);
  });

  it('that has come to be another session’s meanwhile stays', async () => {
    await kill();
    const other = spawnNoting(volume);
    try {
      await other.ready;
      await sweepHere();
      expect(await isThere(volume, 'volume')).toBe(true);
      expect(await left()).toHaveLength(1);
    } finally {
      await other.end();
    }
    await sweepHere();
    expect(await isThere(volume, 'volume')).toBe(false);
  });

  /** A session that adopts the volume which another has left, and lives. */
  function spawnNoting(name: string): { readonly ready: Promise<unknown>; end(): Promise<void> } {
    const script = `
      const { openScope } = require(${JSON.stringify(castoff.path)});
      openScope('next run').adopt(${JSON.stringify(name)}, 'volume').then(() => process.stdout.write('adopted'));
      setInterval(() => undefined, 60_000);`;
    const child = spawn(process.execPath, ['-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, DOCKER_HOST: engine.address },
    });
    return {
      ready: once(child.stdout, 'data'),
      end: () => killAndWait(child),
    };
  }

  const kill = (): Promise<void> => killAndWait(owner);

  async function left(): Promise<readonly RegistryEntry[]> {
    const there = await Promise.all(
      started.entries.map(({ kind, id }) => isThere(id!, kind as RemovableKind)),
    );
    return started.entries.filter((_, index) => there[index]);
  }
});

describe('what a dead session left and a living one with another temporary folder has adopted', () => {
  const kinds = ['container', 'network', 'volume'] as const;
  let castoff: Bundle;
  let folder: string;
  let adopter: ChildProcessByStdio<Writable, Readable, null>;
  let replies: AsyncIterator<string>;
  let adopted: Readonly<Record<(typeof kinds)[number], string>>;

  beforeAll(async () => {
    castoff = await bundleForNode('index.ts');
    folder = await mkdtemp(join(tmpdir(), 'castoff-adopter-'));
  });
  afterAll(async () => {
    await castoff[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  beforeEach(async () => {
    const labels = labelsOf(session, deadOwner());
    adopted = {
      container: await createLabelled(docker, labels),
      network: (await docker.createNetwork({ Name: uniqueName(), Labels: labels })).id,
      volume: uniqueName(),
    };
    await docker.createVolume({ Name: adopted.volume, Labels: labels });
    ({ adopter, replies } = await adoptInAnother(adopted, { TMPDIR: folder, XDG_RUNTIME_DIR: folder }));
  });
  afterEach(() => killAndWait(adopter));

  it('stays in every cleanup of the dead session, and goes when its new scope closes', async () => {
    const report = await sweepHere();
    for (const kind of kinds) {
      expect(find(report, adopted[kind])).toMatchObject({
        action: 'kept',
        proof: expect.stringMatching(/^session \S+ has adopted it: process \d+ is alive$/),
      });
    }
    await cleanupSession(session, { engine: engine.address });
    const { claim } = claimOn({ 'castoff.session': session });
    const { left } = await reapClaim(await connectEngine(engine.address), claim, { settlePausesMs: [] });
    expect(left).toHaveLength(3);
    for (const { reason } of left) expect(reason).toMatch(/^session \S+ has adopted it$/);
    expect(await stillThere(things(), docker)).toHaveLength(3);

    adopter.stdin.write('close\n');
    expect(await replies.next()).toMatchObject({ value: 'closed' });
    expect(await stillThere(things(), docker)).toEqual([]);
    expect(await markers()).toEqual([]);
  });

  it('goes in the next sweep when its new session is dead, too; the markers of that are no leaks', async () => {
    expect(await markers()).toHaveLength(3);
    const [marker] = await markers();
    const other = marker!.Labels['castoff.session']!;
    const { signal } = new AbortController();
    const { left } = await lookLast(await connectEngine(engine.address), {
      session: other,
      entries: [],
      signal,
    });
    expect(left).toEqual([]);
    await killAndWait(adopter);
    await sweepHere();
    expect(await stillThere(things(), docker)).toEqual([]);
    expect(await markers()).toEqual([]);
  });

  it('stays although it carries no labels, and the journal of the dead session names it', async () => {
    const volume = uniqueName();
    await docker.createVolume({ Name: volume });
    const first = await adoptInAnother({ volume }, {});
    const second = await adoptInAnother({ volume }, { TMPDIR: folder, XDG_RUNTIME_DIR: folder });
    try {
      await killAndWait(first.adopter);
      const kept = find(await sweepHere(), volume);
      expect(kept).toMatchObject({
        action: 'kept',
        proof: expect.stringMatching(/^session \S+ has adopted it: process \d+ is alive$/),
      });
      await cleanupSession(kept?.session ?? '', { engine: engine.address });
      expect(await stillThere([{ kind: 'volume', id: volume }], docker)).toHaveLength(1);
      second.adopter.stdin.write('close\n');
      expect(await second.replies.next()).toMatchObject({ value: 'closed' });
      expect(await stillThere([{ kind: 'volume', id: volume }], docker)).toEqual([]);
    } finally {
      await killAndWait(first.adopter);
      await killAndWait(second.adopter);
    }
  });

  const things = () => kinds.map((kind) => ({ kind, id: adopted[kind] }));

  /** Resolves when another process has adopted that; it closes its scope when it is written to. */
  async function adoptInAnother(
    these: Readonly<Partial<Record<RemovableKind, string>>>,
    env: NodeJS.ProcessEnv,
  ): Promise<{
    readonly adopter: ChildProcessByStdio<Writable, Readable, null>;
    readonly replies: AsyncIterator<string>;
  }> {
    const script = `
      const { openScope } = require(${JSON.stringify(castoff.path)});
      const scope = openScope('next run');
      const adopted = ${JSON.stringify(these)};
      Promise.all(Object.entries(adopted).map(([kind, id]) => scope.adopt(id, kind))).then(() => process.stdout.write('adopted\\n'));
      process.stdin.once('data', () => scope.close().then(() => process.stdout.write('closed\\n')));`;
    const child = spawn(process.execPath, ['-e', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, DOCKER_HOST: engine.address, ...env },
    });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    expect(await lines.next()).toMatchObject({ value: 'adopted' });
    return { adopter: child, replies: lines };
  }

  async function markers(): Promise<readonly VolumeInspectInfo[]> {
    const { Volumes } = await docker.listVolumes({ filters: { label: ['castoff.adopts'] } });
    return Volumes ?? [];
  }
});

describe('a sweep', () => {
  it('removes what a dead owner left, of every kind', async () => {
    const labels = labelsOf(session, deadOwner());
    const container = await createLabelled(docker, labels);
    const network = (await docker.createNetwork({ Name: uniqueName(), Labels: labels })).id;
    const volume = uniqueName();
    await docker.createVolume({ Name: volume, Labels: labels });
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

  it('keeps the resources of others that inherit labels of a dead owner, with every flag', async () => {
    const labels = labelsOf(session, deadOwner());
    const owned = await createOwned(docker, labels);
    const { strangers, base } = await createInheriting(docker, labels);
    await sweepHere({ olderThanMs: 0, foreign: true, otherHosts: true });
    await sweepHere();
    expect(await stillThere(owned, docker)).toEqual([]);
    expect(await stillThere(strangers, docker)).toEqual(strangers);
    expect(await isThere(base, 'image')).toBe(false);
  });

  it('keeps what is not proven dead: of living owners, of others’ hosts, of nobody', async () => {
    const kept: readonly (readonly [proof: string, labels: Record<string, string>])[] = [
      [`process ${process.pid} is alive`, labelsOf(someSession(), readOwner())],
      ['another host: ci-3', labelsOf(someSession(), { ...deadOwner(), host: 'ci-3' })],
      [
        'another boot: of this machine, or of another',
        labelsOf(someSession(), { ...deadOwner(), boot: 'another', machine: undefined }),
      ],
      ['pid namespace 1, which', labelsOf(someSession(), { ...deadOwner(), pidNamespace: '1' })],
      ['whether it is the owner', labelsOf(someSession(), { ...readOwner(), pidStart: undefined })],
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

  it('takes a pid that is used again for another process, and the same pid and start for the owner', async () => {
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

  it('takes what somebody else removes meanwhile for gone', async () => {
    const labels = labelsOf(session, deadOwner());
    const ids = await Promise.all(Array.from({ length: 6 }, () => createLabelled(docker, labels)));
    await Promise.all(ids.map((id) => docker.getContainer(id).start()));

    const [report] = await Promise.all([
      sweepHere(),
      Promise.allSettled(ids.map((id) => docker.getContainer(id).remove({ force: true }))),
    ]);

    expect(report.totals.failed).toBe(0);
    expect(await Promise.all(ids.map((id) => isThere(id)))).toEqual(ids.map(() => false));
  });

  it('keeps all of a session as long as one of its owners lives', async () => {
    const ofDead = await createLabelled(docker, labelsOf(session, deadOwner()));
    const ofLiving = await createLabelled(docker, labelsOf(session, readOwner()));

    const report = await sweepHere();

    expect(find(report, ofDead)).toMatchObject({ action: 'kept', proof: `process ${process.pid} is alive` });
    expect(await isThere(ofDead)).toBe(true);
    expect(await isThere(ofLiving)).toBe(true);
  });

  it('leaves a reaper that runs to end by itself, and removes one of ours that never will', async () => {
    const labels = { ...labelsOf(session, deadOwner()), 'castoff.reaper': 'true' };
    const running = await createLabelled(docker, labels);
    await docker.getContainer(running).start();
    const neverStarted = await createLabelled(docker, labels);
    const ryuk = await createLabelled(docker, {
      ...labelsOf(session, deadOwner()),
      'org.testcontainers.ryuk': 'true',
    });

    const report = await sweepHere();

    expect(find(report, running)).toMatchObject({ action: 'kept', proof: 'a reaper, which is running' });
    expect(find(report, neverStarted)).toMatchObject({ action: 'removed' });
    expect(find(report, ryuk)).toMatchObject({ action: 'kept', proof: 'a reaper' });
    expect(await isThere(running)).toBe(true);
    expect(await isThere(neverStarted)).toBe(false);
    expect(await isThere(ryuk)).toBe(true);
  });

  it('takes what is elsewhere with an age and the flag alone', async () => {
    const id = await createLabelled(docker, labelsOf(session, { ...deadOwner(), host: 'ci-3' }));

    const young = await sweepHere({ otherHosts: true, olderThanMs: 3_600_000 });
    expect(find(young, id)).toMatchObject({ action: 'kept', proof: expect.stringContaining('is only') });
    expect(await isThere(id)).toBe(true);

    const old = await sweepHere({ otherHosts: true, olderThanMs: 0 });
    expect(find(old, id)).toMatchObject({ action: 'removed' });
    expect(await isThere(id)).toBe(false);
  });

  it('takes what Testcontainers left with an age and the flag alone', async () => {
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
      proof: expect.stringMatching(/^its reaper \S+ runs$/),
    });
    expect(await isThere(id)).toBe(true);
    await docker.getContainer(ryuk).kill();

    const old = await sweepHere({ foreign: true, olderThanMs: 0 });

    expect(find(old, id)).toMatchObject({ action: 'removed' });
    expect(find(old, network)).toMatchObject({ action: 'removed' });
    expect(await isThere(id)).toBe(false);
    expect(await isThere(network, 'network')).toBe(false);
    expect(await isThere(reused)).toBe(true);
    expect(await isThere(ryuk)).toBe(true);
  });

  it.each<[Parameters<typeof sweep>[0]]>([
    [{ foreign: true }],
    [{ otherHosts: true }],
    [{ olderThanMs: -1 }],
    [{ olderThanMs: Number.NaN }],
    [{ timeoutMs: -1 }],
  ])('refuses %j, and removes nothing', async (options) => {
    const id = await createLabelled(docker, labelsOf(session, deadOwner()));
    expect(isCastoffError(await rejectionOf(sweepHere(options)), 'CONFIG_INVALID')).toBe(true);
    expect(await isThere(id)).toBe(true);
  });
});

describe('a sweep of an engine that fails', () => {
  let proxy: FaultProxy;
  beforeEach(async () => {
    proxy = await openFaultProxy({ upstream: engine.socketPath });
  });
  afterEach(() => proxy.close());

  it('tells what it could not remove, removes the rest, and gets the one later', async () => {
    const owner = deadOwner();
    const stuck = await createLabelled(docker, labelsOf(session, owner));
    const others = await Promise.all([1, 2, 3].map(() => createLabelled(docker, labelsOf(session, owner))));
    const fault = proxy.inject({
      on: `DELETE /containers/${stuck}`,
      fault: { type: 'answer', status: 500, message: 'device or resource busy' },
      times: Number.POSITIVE_INFINITY,
    });

    const report = await sweep({ engine: proxy.address, timeoutMs: 2_000 });

    expect(find(report, stuck)).toMatchObject({ action: 'failed' });
    expect(find(report, stuck)?.error?.message).toContain('device or resource busy');
    expect(report.totals.failed).toBe(1);
    for (const id of others) expect(await isThere(id)).toBe(false);
    expect(await isThere(stuck)).toBe(true);

    fault.remove();
    expect(find(await sweep({ engine: proxy.address }), stuck)).toMatchObject({ action: 'removed' });
  });

  it('removes all else while one container is stuck, also of other sessions, and says what was not tried', async () => {
    const labels = labelsOf(session, deadOwner());
    const stuck = await createLabelled(docker, labels);
    const { id: network } = await docker.createNetwork({ Name: uniqueName(), Labels: labels });
    const volume = uniqueName();
    await docker.createVolume({ Name: volume, Labels: labelsOf(someSession(), deadOwner()) });
    const fault = proxy.inject({ on: `* /containers/${stuck}`, fault: { type: 'swallow' }, times: Infinity });

    const report = await sweep({ engine: proxy.address, timeoutMs: 6_000 });

    expect(find(report, network)).toMatchObject({ action: 'removed' });
    expect(find(report, volume)).toMatchObject({ action: 'removed' });
    expect(find(report, stuck)).toMatchObject({ action: 'failed' });
    fault.remove();

    const thing = { kind: 'container', id: stuck, name: 'web', session, proof: '' } as const;
    const condemned = { kind: 'container', id: stuck, thing, labels: [], refs: [stuck], listed: {} } as const;
    const late = await removeCondemned(await connectEngine(proxy.address), condemned, { leftMs: () => 0 });
    expect(late).toMatchObject({
      action: 'failed',
      error: { message: 'remove container web: not tried: out of time' },
    });
    expect(await isThere(stuck)).toBe(true);
  });

  it('asks again for a list that failed once, and is cut off', async () => {
    const id = await createLabelled(docker, labelsOf(session, deadOwner()));
    const failed = proxy.inject({ on: 'GET /volumes', fault: { type: 'answer', status: 500 } });
    const cut = proxy.inject({ on: 'GET /containers/json', fault: { type: 'reset' } });

    const report = await sweep({ engine: proxy.address });

    expect([failed.hits(), cut.hits()]).toEqual([1, 1]);
    expect(find(report, id)).toMatchObject({ action: 'removed' });
  });

  it('leaves alone what others make under the name of a volume while it looks', async () => {
    const name = uniqueName();
    await docker.createVolume({ Name: name, Labels: labelsOf(session, deadOwner()) });
    proxy.inject({ on: `GET /volumes/${name}`, fault: { type: 'delay', ms: 1_000 } });
    const sweeping = sweep({ engine: proxy.address });
    await proxy.until(`GET /volumes/${name}`, 10_000);
    await docker.getVolume(name).remove();
    await docker.createVolume({ Name: name, Labels: specLabel });

    expect(find(await sweeping, name)).toMatchObject({
      action: 'kept',
      proof: 'another thing has come under its name',
    });
    expect(await isThere(name, 'volume')).toBe(true);
  });

  it('removes nothing of what an older engine lists whatever the filter says', async () => {
    const bystander = await createLabelled(docker, {});
    const everything = await docker.listContainers({ all: true });
    const ignored = proxy.inject({
      on: 'GET /containers/json',
      fault: { type: 'answer', status: 200, body: everything },
      times: 5,
    });

    const report = await sweep({ engine: proxy.address, foreign: true, olderThanMs: 0 });

    expect(ignored.hits()).toBeGreaterThan(0);
    expect(find(report, bystander)).toBeUndefined();
    expect(await isThere(bystander)).toBe(true);
  });

  it('ends with the signal’s reason', async () => {
    await createLabelled(docker, labelsOf(session, deadOwner()));
    proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'swallow' } });
    const leaving = new AbortController();
    const ending = rejectionOf(sweep({ engine: proxy.address, signal: leaving.signal }));
    await proxy.until('DELETE /containers/*', 10_000);
    const reason = new Error('enough');
    leaving.abort(reason);
    expect(await ending).toBe(reason);
  });
});

function startOf(pid: number): string {
  const seen = readLinuxProcess(pid, 0);
  if (seen.seen !== 'process') throw new Error(`no process ${pid}`);
  return seen.start;
}

async function killAndWait(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
