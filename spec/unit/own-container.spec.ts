import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Owner } from '../../lib/core/labels';
import { readOwnContainerId, readOwnUpperFolder } from '../../lib/registry/own-container';
import type { OwnerProof } from '../../lib/processes/owner-proof';
import { proveByContainers } from '../../lib/sweep/owner-containers';

const id = '3c96104cb1ed1f58e1b778bd961dedd7e16f1f71db8d4a5024927291eba62325';

describe('readOwnContainerId', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'castoff-own-container-'));
    mkdirSync(join(root, 'proc/self'), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const write = (file: string, text: string): void => writeFileSync(join(root, 'proc/self', file), text);

  it.each([
    ['Docker', `462 297 254:0 /data/docker/containers/${id}/hostname /etc/hostname rw - ext4 /dev/vda rw`],
    [
      'Docker, whose data are a file system of their own',
      `462 297 254:0 /containers/${id}/hosts /etc/hosts rw - ext4 /dev/vdb rw`,
    ],
    [
      'Podman',
      `7 6 0:24 /containers/storage/overlay-containers/${id}/userdata/resolv.conf /etc/resolv.conf rw - tmpfs tmpfs rw`,
    ],
  ])('reads the id from what %s mounts', (_engine, line) => {
    write('mountinfo', `1 0 254:0 / / rw - ext4 /dev/vda rw\n${line}\n`);
    expect(readOwnContainerId(root)).toBe(id);
  });

  it.each([
    `5:cpu:/docker/${id}`,
    `0::/system.slice/docker-${id}.scope`,
    `0::/machine.slice/libpod-${id}.scope`,
  ])('reads the id from a cgroup: %s', (line) => {
    write('cgroup', `${line}\n`);
    expect(readOwnContainerId(root)).toBe(id);
  });

  it('finds no container on a machine that has a file /.dockerenv and runs containers', () => {
    writeFileSync(join(root, '.dockerenv'), '');
    write('cgroup', '9:name=systemd:/\n0::/user.slice\n');
    write(
      'mountinfo',
      `1 0 254:0 / / rw - ext4 /dev/vda rw\n2 1 0:30 / /var/lib/docker/containers/${id}/mounts/shm rw - tmpfs shm rw\n`,
    );
    expect(readOwnContainerId(root)).toBeUndefined();
    expect(readOwnUpperFolder(root)).toBeUndefined();
  });

  it('finds the storage that is mounted as its root', () => {
    write(
      'mountinfo',
      '297 200 0:52 / / rw,relatime - overlay overlay rw,lowerdir=/l/A:/l/B,upperdir=/var/lib/docker/overlay2/ab/diff,workdir=/w\n',
    );
    expect(readOwnUpperFolder(root)).toBe('/var/lib/docker/overlay2/ab/diff');
  });
});

describe('an owner in a container', () => {
  const main: Owner = { host: 'job', boot: 'b', pid: 1, pidNamespace: '4026532500', container: `${id}@E` };
  const worker: Owner = { host: 'job', boot: 'b', pid: 9, pidNamespace: '4026532500' };
  const ended = new Map([[`${id}@E`, 'its container 3c96104cb1ed is gone']]);
  const elsewhere: OwnerProof = { state: 'unknown', proof: 'another host: job', isElsewhere: true };
  const prove = (owner: Owner, base: OwnerProof = elsewhere, owners: readonly Owner[] = [main, worker]) =>
    proveByContainers(() => base, owners, ended)(owner);
  const dead = { state: 'dead', proof: 'its container 3c96104cb1ed is gone' };

  it('is dead when its container has ended, and so are the other processes of its pid namespace', () => {
    expect(prove(main)).toEqual(dead);
    expect(prove(worker)).toEqual(dead);
  });

  it.each<readonly [string, Owner, OwnerProof?, (readonly Owner[])?]>([
    ['when it is another container', { ...main, container: `${id}@F` }],
    ['in another namespace', { ...worker, pidNamespace: '4026532501' }],
    ['when it shares the namespace of its machine', { ...main, pidNamespace: '4026531836' }],
    ['when it does not name its namespace', { ...main, pidNamespace: undefined }],
    ['when no container of its session has ended', worker, elsewhere, [worker]],
    ['when it is visibly alive', main, { state: 'alive', proof: 'process 1 is alive' }],
    ['when it is visible from here, but unclear', main, { state: 'unknown', proof: 'it hides' }],
  ])('is not proven dead by a container, %s', (_which, owner, base = elsewhere, owners = [main, worker]) => {
    expect(prove(owner, base, owners)).toEqual(base);
  });
});
