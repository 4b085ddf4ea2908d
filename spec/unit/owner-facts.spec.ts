import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseStat, readLinuxProcess } from '../../lib/processes/owner-linux';
import { machineUnder } from '../../lib/processes/owner-machine';
import { parsePsLine, readPsProcess } from '../../lib/processes/owner-macos';
import { until } from '../support/until';

/** A pid that was in use a moment ago. */
function goneProcess(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

describe('readLinuxProcess', () => {
  it('reads the start of a process, which a later process with its pid would not share', () => {
    const seen = readLinuxProcess(process.pid, 0);
    expect(seen).toMatchObject({ seen: 'process', isZombie: false });
    // Not the parent: both may have started within one clock tick.
    expect(readLinuxProcess(1, 0)).not.toEqual(seen);
    expect(readLinuxProcess(process.pid, 1e12)).toMatchObject({ start: 'start' in seen ? seen.start : '' });
  });

  it('reports a missing process', () => {
    expect(readLinuxProcess(goneProcess(), 0)).toEqual({ seen: 'none' });
  });

  it('reports a zombie', async () => {
    // A shell that execs a program, which never waits for the shell's child. The child exits after that: the shell would wait for it.
    const parent = spawn('sh', ['-c', 'cat <&3 >/dev/null & echo $!; exec sleep 60 3<&-'], {
      stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    });
    try {
      const [output] = await once(parent.stdout!, 'data');
      const pid = Number(output);
      const hasExeced = () => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n';
      expect(await until(hasExeced)).toBe(true);
      (parent.stdio[3] as Writable).end();
      const isZombie = () => {
        const seen = readLinuxProcess(pid, 0);
        return seen.seen === 'process' && seen.isZombie;
      };
      expect(await until(isZombie)).toBe(true);
    } finally {
      parent.kill('SIGKILL');
      await once(parent, 'exit');
    }
  });

  // Captured: cat /proc/self/stat, the command's name changed to the worst that prctl(PR_SET_NAME) takes.
  const stat = (state: string, threads: number): string =>
    `4711 (a) S (b) 0) ${state} 1 4711 4711 0 -1 4194304 102 0 0 0 0 0 0 0 20 0 ${threads} 0 1356738 5750784 310 1 2`;

  it('parses the fields after a command with any name', () => {
    expect(parseStat(stat('S', 1), Date.parse('2026-11-21T08:11:37Z'))).toEqual({
      seen: 'process',
      start: '1356738',
      startedAt: '2026-11-21T11:57:44Z',
      isZombie: false,
    });
  });

  it('does not report a zombie while other threads than the first run', () => {
    expect(parseStat(stat('Z', 1), 0)).toMatchObject({ isZombie: true });
    expect(parseStat(stat('Z', 4), 0)).toMatchObject({ isZombie: false });
  });

  it('returns nothing for a line that cannot be parsed', () => {
    expect(parseStat('', 0)).toBeUndefined();
    expect(parseStat('4711 (node) S 1', 0)).toBeUndefined();
  });
});

describe('readPsProcess', () => {
  // Captured with procps 4: LC_ALL=C TZ=UTC ps -o state=,lstart= -p <pid>; BSD's ps pads its columns
  it.each([
    ['Ss   Sat Nov 21 08:11:37 2026    \n', '2026-11-21T08:11:37Z', false],
    ['R+   Tue Dec  1 00:00:09 2026\n', '2026-12-01T00:00:09Z', false],
    ['Z    Sat Nov 21 08:11:37 2026\n', '2026-11-21T08:11:37Z', true],
  ])('is %j', (line, start, isZombie) => {
    expect(parsePsLine(line)).toEqual({ seen: 'process', start, startedAt: start, isZombie });
  });

  it.each(['', 'S Sa 21 Nov 08:11:37 2026', 'S Sat Foo 21 08:11:37 2026'])(
    'returns nothing for the line %j',
    (line) => {
      expect(parsePsLine(line)).toBeUndefined();
    },
  );

  it('reads the same start every time, and reports a missing process', () => {
    const seen = readPsProcess(process.pid);
    expect(seen).toMatchObject({ seen: 'process', isZombie: false });
    expect(readPsProcess(process.pid)).toEqual(seen);
    expect(readPsProcess(goneProcess())).toEqual({ seen: 'none' });
  });
});

describe('machineUnder', () => {
  let root: string;
  const id = '3d1219c7c4c5404aaa1f6d2a48adfda4';
  const mac = '52:54:00:12:34:56';

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'castoff-machine-'));
    await put('etc/machine-id', `${id}\n`);
    await addCard('eth0', { address: mac });
  });
  afterEach(() => rm(root, { recursive: true }));

  it('hashes the machine id and the network cards, so that neither can be read', () => {
    const machine = machineUnder(root);
    expect(machine).toMatch(/^[0-9a-f]{32}$/);
    expect(machine).not.toContain(id);
    expect(machineUnder(root)).toBe(machine);
  });

  it('differs for a clone of the disk on a machine with another card', async () => {
    const machine = machineUnder(root);
    await addCard('eth0', { address: '52:54:00:65:43:21' });
    expect(machineUnder(root)).toMatch(/^[0-9a-f]{32}$/);
    expect(machineUnder(root)).not.toBe(machine);
  });

  it('differs for another installation', async () => {
    const machine = machineUnder(root);
    await put('etc/machine-id', '00000000000000000000000000000001\n');
    expect(machineUnder(root)).not.toBe(machine);
  });

  it.each<[what: string, card: Partial<Card>]>([
    ['plugged in', { bus: 'usb' }],
    ['virtual', { bus: undefined }],
    ['using a changed address', { assigned: '3' }],
    ['without an address', { address: '00:00:00:00:00:00' }],
  ])('ignores a network card that is %s', async (_what, card) => {
    const machine = machineUnder(root);
    await addCard('eth1', { address: '52:54:00:65:43:21', ...card });
    expect(machineUnder(root)).toBe(machine);
  });

  it('uses the permanent address of a wireless card, not its current one', async () => {
    const wired = machineUnder(root);
    await put('sys/class/ieee80211/phy0/macaddress', 'a0:00:00:00:00:01\n');
    const both = machineUnder(root);
    await addCard('wlan0', { address: '02:00:00:00:00:02' });
    await put('sys/class/net/wlan0/wireless/status', '');
    expect(both).not.toBe(wired);
    expect(machineUnder(root)).toBe(both);
  });

  it.each<[what: string, change: () => Promise<unknown>]>([
    ['in a container of Docker', () => put('.dockerenv', '')],
    ['in a container of Podman', () => put('run/.containerenv', '')],
    ['without a machine id', () => rm(join(root, 'etc/machine-id'))],
    ['before its first boot', () => put('etc/machine-id', 'uninitialized\n')],
    ['without a network card', () => rm(join(root, 'sys/class/net'), { recursive: true })],
  ])('identifies no machine %s', async (_what, change) => {
    await change();
    expect(machineUnder(root)).toBeUndefined();
  });

  interface Card {
    readonly address: string;
    readonly bus: string | undefined;
    readonly assigned: string;
  }

  async function addCard(name: string, card: Partial<Card>): Promise<void> {
    const { address = '', bus, assigned = '0' } = { bus: 'virtio', ...card };
    const folder = `sys/class/net/${name}`;
    await rm(join(root, folder), { recursive: true, force: true });
    await put(`${folder}/address`, `${address}\n`);
    await put(`${folder}/addr_assign_type`, `${assigned}\n`);
    if (bus === undefined) return;
    await mkdir(join(root, `sys/bus/${bus}`), { recursive: true });
    await mkdir(join(root, folder, 'device'));
    await symlink(join(root, `sys/bus/${bus}`), join(root, folder, 'device/subsystem'));
  }

  async function put(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
    expect(readFileSync(join(root, path), 'utf8')).toBe(text);
  }
});
