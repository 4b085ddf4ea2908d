import { readdirSync, readFileSync } from 'node:fs';
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { openReaperSessions } from '../support/reaper-sessions';
import { rejectionOf } from '../support/rejection';
import {
  isSessionGone,
  openReaperFolder,
  reapersOfSession,
  thingsOfSession,
  type SessionChild,
} from '../support/session-child';
import { tcpListenersOf } from '../support/tcp-listeners';
import { docker } from '../support/things';
import { until } from '../support/until';

const sessions = openReaperSessions({ containers: 0 });
const { start } = sessions;

const nowhere = { TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE: '/nowhere/docker.sock' };

describe('a reaper in a container', () => {
  it('a reaper container has its session’s labels, and no port, network, listener or privileges', async () => {
    const limit = { CASTOFF_REAPER_MAX_REMOVALS: '4711' };
    const { told } = await start({ reaper: 'container', env: limit });
    const [reaper] = await reapersOfSession(told.session);
    const { Name, State, HostConfig, NetworkSettings, Config } = await docker
      .getContainer(reaper!.Id)
      .inspect();
    expect(Name).toBe(`/castoff-reaper-${told.session}`);
    expect(Config.Env).toContain('CASTOFF_REAPER_MAX_REMOVALS=4711');
    expect(NetworkSettings.Ports).toEqual({});
    expect(HostConfig).toMatchObject({
      AutoRemove: true,
      ReadonlyRootfs: true,
      Privileged: false,
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges', 'label=disable'],
      Memory: 256 * 1_024 * 1_024,
    });
    expect(tcpListenersOf(State.Pid)).toEqual([]);
    expect(Config.Labels).toMatchObject({
      'castoff.session': told.session,
      'castoff.reaper': 'true',
      'org.testcontainers.ryuk': 'true',
      'castoff.pid': expect.any(String),
    });
  });
});

describe('a reaper as a host process', () => {
  it('processes that start at once share one host process, without their environment or a TCP listener, and are reaped separately', async () => {
    const env = { NODE_OPTIONS: '--max-old-space-size=512', SECRET: 'mine' };
    const [first, second, third] = await Promise.all(
      [1, 2, 3].map(() => start({ reaper: 'process', containers: 1, env })),
    );
    expect(new Set([first, second, third].map((child) => child!.told.reaper)).size).toBe(1);
    expect(await until(() => sessions.hosts().length === 1)).toBe(true);
    const [pid] = sessions.hosts();
    expect(tcpListenersOf(pid!)).toEqual([]);
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
    expect(environment).not.toMatch(/NODE_OPTIONS|SECRET/);
    expect(environment).not.toContain('DOCKER_');

    await first!.kill();
    expect(await sessions.isGoneSoon(first!)).toBe(true);
    for (const other of [second, third]) expect(await thingsOfSession(other!.told.session)).toHaveLength(3);
  });
});

describe("castoff's folder in the temporary folder", () => {
  it('a session starts when another user owns the name of castoff’s folder, and writes nothing there', async () => {
    await using folder = await openReaperFolder();
    const taken = join(folder.folder, `castoff-${process.getuid?.()}`);
    await mkdir(taken, { mode: 0o700 });
    await chown(taken, 4_242, 4_242);
    const child = await start({ reaper: 'process', env: { TMPDIR: folder.folder } });
    expect(child.stderr()).toBe('');
    await child.kill();
    expect(await sessions.isGoneSoon(child)).toBe(true);
    expect(readdirSync(taken)).toEqual([]);
  });
});

describe('a reaper that does not start', () => {
  it('a container that does not start is REAPER_UNAVAILABLE, and leaves no resources', async () => {
    const error = String(await rejectionOf(start({ reaper: 'container', env: nowhere })));
    expect(error).toContain("code: 'REAPER_UNAVAILABLE'");
    expect(error).toMatch(
      /start a reaper \(container\) for unix:.*: container create castoff-reaper-.*does not exist.*; try reaper: 'process'/,
    );
    const session = /castoff-reaper-(\w+)/.exec(error)?.[1] ?? '';
    expect(session).toMatch(/^[0-9a-f]+$/);
    expect(await isSessionGone(session)).toBe(true);
  });

  it('a process that does not start is REAPER_UNAVAILABLE', async () => {
    const error = await rejectionOf(start({ reaper: 'process', env: noFolder }));
    expect(String(error)).toMatch(/start a reaper \(process\) .*castoff-\d+/);
    expect(String(error)).toContain("code: 'REAPER_UNAVAILABLE'");
  });

  it('auto falls back from a container to a process, with one warning', async () => {
    const child = await start({ reaper: 'auto', env: nowhere, sessions: 2 });
    expect(child.told.reaper).toContain('host process');
    expect(child.stderr().match(/\[CASTOFF_\w+\]/g)).toEqual(['[CASTOFF_REAPER_DOWNGRADED]']);
  });

  it('auto continues without a reaper when none starts, and one warning lists the attempts', async () => {
    const child = await start({ env: { ...nowhere, ...noFolder }, sessions: 2 });
    expect(child.told.reaper).toBeUndefined();
    expect(child.stderr().match(/\[CASTOFF_\w+\]/g)).toEqual(['[CASTOFF_REAPER_MISSING]']);
    expect(child.stderr()).toMatch(/as a container: .*; as a process: /);
    await removeResources(child);
  });

  it('off starts no reaper, with one warning', async () => {
    const child = await start({ reaper: 'off', sessions: 2 });
    expect(child.told.reaper).toBeUndefined();
    expect(child.stderr().match(/\[CASTOFF_\w+\]/g)).toEqual(['[CASTOFF_REAPER_OFF]']);
    await removeResources(child);
  });

  it('a warning is silenced by its code', async () => {
    const env = { NODE_OPTIONS: '--disable-warning=CASTOFF_REAPER_OFF' };
    const child = await start({ reaper: 'off', env });
    expect(child.stderr()).toBe('');
    await removeResources(child);
  });

  it('an unknown reaper option is CONFIG_INVALID', async () => {
    const error = await rejectionOf(start({ reaper: 'sidecar' as never }));
    expect(String(error)).toContain("code: 'CONFIG_INVALID'");
  });
});

/** A temporary folder in which castoff cannot create its own. */
const noFolder = { TMPDIR: '/dev/null' };

/** Removes the resources of a session without a reaper. */
async function removeResources({ told: { session } }: SessionChild): Promise<void> {
  for (const resource of await thingsOfSession(session)) {
    const [kind, id = ''] = resource.split(' ');
    if (kind === 'network') await docker.getNetwork(id).remove();
    if (kind === 'volume') await docker.getVolume(id).remove();
  }
}
