import { afterAll, describe, expect, it } from '@jest/globals';
import { openScope } from '../../lib';
import { digestBounds } from '../../lib/core/bounds';
import { connectEngine } from '../../lib/engine/connect';
import { reapClaim } from '../../lib/reaper/reaping/reap';
import { cleanupByLabel } from '../../lib/resources/cleanup-by-label';
import { boundsAfter, boundsBefore } from '../../lib/scope/project-bounds';
import { claimOn } from '../support/claimed-things';
import { cleanupVolume } from '../../lib/resources/cleanup';
import { openFaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { specImage } from '../support/spec-image';
import { docker, exists, specLabel, uniqueName } from '../support/things';
import { until } from '../support/until';

afterAll(() => removeLeftovers());

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
    const scope = openScope('adopts a volume');
    await scope.adopt(name, 'volume');
    await createAnother(name, await createdAtOf(name));
    const { ends } = await scope.close();
    expect(ends).toMatchObject([{ result: { outcome: 'already-gone', attempts: 0 } }]);
    expect(await exists('volume', name)).toBe(true);
  });

  it('is removed when it has been written to since it was adopted', async () => {
    const name = uniqueName();
    await create(name);
    const scope = openScope('adopts a volume');
    await scope.adopt(name, 'volume');
    await writeInto(name);
    await scope.close();
    expect(await exists('volume', name)).toBe(false);
  });

  it('is kept when another volume takes its name while its removal waits', async () => {
    await using proxy = await openFaultProxy();
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
    expect(await exists('volume', name)).toBe(true);
  });
});

describe('a volume of a Compose project that is written to', () => {
  const label = 'com.docker.compose.project';

  it('still counts as created before a start', async () => {
    const name = uniqueName();
    await create(name, { [label]: name });
    const engine = await connectEngine();
    const bounds = await boundsBefore(engine, { kind: 'compose-project', name });
    await writeInto(name);
    const { results } = await cleanupByLabel(engine, [`${label}=${name}`], { bounds, timeoutMs: 30_000 });
    expect(results).toEqual([]);
    const { claim } = claimOn({ [label]: name });
    const ofReaper = { ...claim, bounds: digestBounds(bounds) };
    const report = await reapClaim(engine, ofReaper, { settlePausesMs: [0] });
    expect(report.removed.volume).toBe(0);
    expect(await exists('volume', name)).toBe(true);
  });

  it('still counts as created by the start', async () => {
    const name = uniqueName();
    await create(name, { [label]: name });
    const engine = await connectEngine();
    const bounds = await boundsAfter(engine, name, {});
    await writeInto(name);
    await cleanupByLabel(engine, [`${label}=${name}`], { bounds, timeoutMs: 30_000 });
    expect(await exists('volume', name)).toBe(false);
  });
});
