import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { CleanupError } from '../../lib/resources/cleanup-error';
import { describeContainerProcess } from '../../lib/resources/container-process';

const id = 'c'.repeat(64);
let root: string;
beforeEach(() => {
  root = `${mkdtempSync(join(tmpdir(), 'castoff-proc-'))}/`;
  const addProcess = (pid: number, comm: string, parent: number, cgroup: string): void => {
    const folder = join(root, 'proc', String(pid));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'comm'), `${comm}\n`);
    writeFileSync(join(folder, 'stat'), `${pid} (a ) b) D ${parent} 1 1 0\n`);
    writeFileSync(join(folder, 'cgroup'), cgroup);
  };
  addProcess(4711, 'sleep', 4690, `0::/system.slice/docker-${id}.scope\n`);
  addProcess(4690, 'containerd-shim', 1, '0::/system.slice/containerd.service\n');
  addProcess(4713, 'child', 4711, `0::/system.slice/docker-${id}.scope\n`);
  addProcess(4712, 'other', 1, '0::/user.slice\n');
});
afterEach(() => rmSync(root, { recursive: true }));

describe('the main process of a container', () => {
  it('is described with its state and shim where it runs on this machine', () => {
    expect(describeContainerProcess(id, 4711, root)).toEqual({
      pid: 4711,
      state: 'D',
      shim: 'containerd-shim 4690 in state D',
    });
  });

  it('is found by its cgroup when the engine did not answer an inspection', () => {
    expect(describeContainerProcess(id, undefined, root)).toMatchObject({ pid: 4711, state: 'D' });
    expect(describeContainerProcess('d'.repeat(64), undefined, root)).toBeUndefined();
    expect(describeContainerProcess(id, undefined, join(root, 'nowhere/'))).toBeUndefined();
  });

  it('is only a pid where that is another process, or none, on this machine', () => {
    expect(describeContainerProcess(id, 4712, root)).toEqual({ pid: 4712 });
    expect(describeContainerProcess(id, 9, root)).toEqual({ pid: 9 });
  });

  it('is part of the error of a container that cannot be removed', () => {
    const evidence = { kind: 'container', id, attempts: 2, durationMs: 10, engineWords: '500 no' } as const;
    const messageWith = (process: { pid: number; state?: string; shim?: string } | undefined): string =>
      new CleanupError({ ...evidence, process }, 'try again', undefined).message;
    expect(messageWith({ pid: 7, state: 'D', shim: 'containerd-shim 6' })).toBe(
      `remove container cccccccccccc: 500 no (2 attempts in 10 ms); its process 7 (state D, child of containerd-shim 6); try again`,
    );
    expect(messageWith({ pid: 7 })).toContain('; its process 7; try again');
    expect(messageWith(undefined)).toContain('in 10 ms); try again');
  });
});
