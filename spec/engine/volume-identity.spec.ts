import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { openScope } from '../../lib';
import { digestBounds } from '../../lib/core/bounds';
import { connectEngine } from '../../lib/engine/connect';
import { reapClaim } from '../../lib/reaper/reaping/reap';
import { cleanupByLabel } from '../../lib/resources/cleanup-by-label';
import { boundsAfter, boundsBefore } from '../../lib/scope/project-bounds';
import { claimOn } from '../support/claimed-things';
import { cleanupVolume } from '../../lib/resources/cleanup';
import { openFaultProxy } from '../support/fault-proxy';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import { specImage } from '../support/spec-image';
import { exists, specLabel, uniqueName } from '../support/things';
import { until } from '../support/until';

// A separate engine: Docker before 23 remembers its last 256 events only, and those of other spec files would count.
let engine: PrivateEngine;
let docker: Docker;
beforeAll(async () => {
  engine = await openPrivateEngine();
  docker = new Docker({ socketPath: engine.socketPath });
});
afterAll(() => engine.close());

const isThere = (name: string): Promise<boolean> => exists('volume', name, docker);

const createdAtOf = async (Name: string): Promise<unknown> =>
  Reflect.get(await docker.getVolume(Name).inspect(), 'CreatedAt');

const create = (Name: string, labels: Readonly<Record<string, string>> = {}): Promise<unknown> =>
  docker.createVolume({ Name, Labels: { ...specLabel, ...labels } });

/** Removes the volume and creates it again with the same labels, in another second. */
async function createAnother(name: string, before: unknown): Promise<void> {
  const isAnother = await until(async () => {
    await docker.getVolume(name).remove();
    await create(name);
    return (await createdAtOf(name)) !== before;
  }, 10_000);
  expect(isAnother).toBe(true);
}

/** Writes a file into the volume, in another second: Docker before 23 then reports another `CreatedAt`. */
async function writeInto(name: string): Promise<void> {
  const Cmd = ['sh', '-c', 'sleep 1.1; echo 1 >/data/file'];
  const HostConfig = { Binds: [`${name}:/data`] };
  const container = await docker.createContainer({ Image: specImage, Cmd, HostConfig, Labels: specLabel });
  await container.start();
  await container.wait();
  await container.remove();
}

describe('a volume without labels of castoff', () => {
  it('is kept when another volume has taken its name since it was adopted', async () => {
    const name = uniqueName();
    await create(name);
    const scope = openScope('adopts a volume', { engine: engine.address });
    await scope.adopt(name, 'volume');
    await createAnother(name, await createdAtOf(name));
    const { ends } = await scope.close();
    expect(ends).toMatchObject([{ result: { outcome: 'already-gone', attempts: 0 } }]);
    expect(await isThere(name)).toBe(true);
  });

  it('is removed when it has been written to since it was adopted', async () => {
    const name = uniqueName();
    await create(name);
    const scope = openScope('adopts a volume', { engine: engine.address });
    await scope.adopt(name, 'volume');
    await writeInto(name);
    await scope.close();
    expect(await isThere(name)).toBe(false);
  });

  it('is kept when another volume takes its name while its removal waits', async () => {
    await using proxy = await openFaultProxy({ upstream: engine.socketPath });
    const name = uniqueName();
    await create(name);
    const createdAt = await createdAtOf(name);
    const inUse = { type: 'answer', status: 409, message: 'volume is in use' } as const;
    let isReplaced = false;
    let isSeen = false;
    proxy.inject({
      on: `GET /volumes/${name}`,
      fault: () => void (isSeen = isReplaced),
      times: Infinity,
    });
    // It would be removed without another inspection.
    proxy.inject({ on: 'DELETE /volumes/*', fault: () => (isSeen ? undefined : inUse), times: Infinity });
    const cleanup = cleanupVolume(name, { engine: proxy.address });
    await proxy.until(({ fault }) => fault === inUse);
    await createAnother(name, createdAt);
    isReplaced = true;
    expect(await cleanup).toMatchObject({ outcome: 'removed-elsewhere' });
    expect(await isThere(name)).toBe(true);
  });
});

describe('a volume of a Compose project that is written to', () => {
  const label = 'com.docker.compose.project';

  it('still counts as created before a start', async () => {
    const name = uniqueName();
    await create(name, { [label]: name });
    const connected = await connectEngine(engine.address);
    const bounds = await boundsBefore(connected, { kind: 'compose-project', name });
    await writeInto(name);
    const { results } = await cleanupByLabel(connected, [`${label}=${name}`], { bounds, timeoutMs: 30_000 });
    expect(results).toEqual([]);
    const { claim } = claimOn({ [label]: name });
    const ofReaper = { ...claim, bounds: digestBounds(bounds) };
    const report = await reapClaim(connected, ofReaper, { settlePausesMs: [0] });
    expect(report.removed.volume).toBe(0);
    expect(await isThere(name)).toBe(true);
  });

  it('still counts as created by the start', async () => {
    const name = uniqueName();
    await create(name, { [label]: name });
    const connected = await connectEngine(engine.address);
    const bounds = await boundsAfter(connected, name, {});
    await writeInto(name);
    await cleanupByLabel(connected, [`${label}=${name}`], { bounds, timeoutMs: 30_000 });
    expect(await isThere(name)).toBe(false);
  });
});
