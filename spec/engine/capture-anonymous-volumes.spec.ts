import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { inATest, stageOfFile } from '../support/capture-stage';
import { specImage } from '../support/spec-image';
import { docker, exists, specLabel, uniqueName } from '../support/things';

const stage = stageOfFile();

const create = (HostConfig: Docker.HostConfig = {}) =>
  new Docker().createContainer({
    Image: specImage,
    Volumes: { '/data': {} },
    Labels: specLabel,
    HostConfig,
  });

/** Resolves to the name of the volume at `/data`. */
async function volumeOf(id: string): Promise<string> {
  const { Mounts } = await docker.getContainer(id).inspect();
  return Mounts.find(({ Destination }) => Destination === '/data')?.Name ?? '';
}

const leftVolumes = async () =>
  (await stage.findSurvivors(() => true)).filter(({ kind }) => kind === 'volume');

const removals: readonly (readonly [string, (id: string) => unknown])[] = [
  ["dockerode's remove()", (id) => new Docker().getContainer(id).remove({ force: true })],
  ['docker rm --force', (id) => execFileSync('docker', ['rm', '--force', id])],
  ['docker rm in the background', (id) => promisify(execFile)('docker', ['rm', id])],
];

describe('anonymous volumes of captured containers', () => {
  it.each(removals)(
    "attributes an anonymous volume left by %s to its container's owner and line",
    async (_, remove) => {
      const container = await create();
      const name = await volumeOf(container.id);
      await remove(container.id);
      const [entry] = stage.entries().filter(({ id }) => id === container.id);
      expect(await leftVolumes()).toMatchObject([
        { id: name, origin: 'raw', state: 'present', owner: { ...inATest, source: entry?.owner.source } },
      ]);
      expect(entry?.owner.source).toMatch(/capture-anonymous-volumes\.spec\.ts:\d+$/);
      await docker.getVolume(name).remove();
      expect(await leftVolumes()).toEqual([]);
    },
  );

  it('does not report an anonymous volume that was removed with its container', async () => {
    const container = await create();
    await new Docker().getContainer(container.id).remove({ v: true });
    expect(await leftVolumes()).toEqual([]);
  });

  it('does not capture a volume that has a name or is used by another container', async () => {
    const named = uniqueName();
    await docker.createVolume({ Name: named, Labels: specLabel });
    const lender = await docker.createContainer({
      Image: specImage,
      Volumes: { '/data': {} },
      Labels: specLabel,
    });
    const lent = await volumeOf(lender.id);
    const containers = [
      await create({ Binds: [`${named}:/data`] }),
      await create({ VolumesFrom: [lender.id] }),
      await create({ Binds: [`${lent}:/data`] }),
    ];
    for (const { id } of containers) execFileSync('docker', ['rm', '--force', id]);
    // Reported because this process created it.
    expect((await leftVolumes()).map(({ id }) => id)).toEqual([named]);
    expect(await exists('volume', named)).toBe(true);
    await lender.remove({ v: true });
    await docker.getVolume(named).remove();
  });
});
