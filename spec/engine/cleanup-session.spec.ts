import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cleanupSession, isCastoffError } from '../../lib/index';
import type { RegistryEntry } from '../../lib/registry/entry';
import { journalFolder } from '../../lib/registry/session-identity';
import type { RemovableKind } from '../../lib/engine/removable-kind';
import { docker, exists, specLabel, uniqueName } from '../support/things';

/** What the fixture says when it has started everything. */
interface Started {
  readonly session: string;
  readonly entries: readonly RegistryEntry[];
}

describe('cleanupSession', () => {
  let owner: ChildProcess;
  let volume: string;
  let started: Started;

  beforeEach(async () => {
    volume = uniqueName();
    owner = spawn(process.execPath, [join(__dirname, '../fixtures/crash/start-and-wait.cjs'), volume], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        TESTCONTAINERS_RYUK_DISABLED: 'true',
        TESTCONTAINERS_HOST_OVERRIDE: 'localhost',
      },
    });
    const [line] = await once(createInterface(owner.stdout!), 'line');
    started = JSON.parse(String(line));
  });

  afterEach(async () => {
    await kill();
    await cleanupSession(started.session);
    if (await exists('volume', volume)) await docker.getVolume(volume).remove();
  });

  it('makes everything gone that a killed process has left, from its labels and its journal', async () => {
    await kill();
    expect(await left()).toHaveLength(5);

    const { results } = await cleanupSession(started.session);

    expect(await left()).toEqual([]);
    // The sweep of another spec file may be quicker with some of them.
    expect(results.map(({ kind }) => kind).toSorted()).toEqual([
      'container',
      'container',
      'container',
      'network',
      'volume',
    ]);
    expect(existsSync(journalFolder(started.session))).toBe(false);
  });

  it('refuses while the process is alive, and removes nothing', async () => {
    const refusal = await cleanupSession(started.session).catch((error: unknown) => error);

    expect(isCastoffError(refusal, 'CONFIG_INVALID')).toBe(true);
    expect(String(refusal)).toContain(`process ${owner.pid} is alive`);
    expect(await left()).toHaveLength(5);
  });

  it('leaves alone what others have made under the name of something that is gone', async () => {
    await kill();
    const containers = started.entries.filter((entry) => entry.kind === 'container');
    await Promise.all(containers.map(({ id }) => docker.getContainer(id!).remove({ force: true })));
    await docker.getVolume(volume).remove();
    await docker.createVolume({ Name: volume, Labels: specLabel });

    await cleanupSession(started.session);

    expect(await exists('volume', volume)).toBe(true);
  });

  it('says that an id is none', async () => {
    const refusal = await cleanupSession('../../etc').catch((error: unknown) => error);
    expect(isCastoffError(refusal, 'CONFIG_INVALID')).toBe(true);
  });

  async function kill(): Promise<void> {
    if (owner.exitCode !== null || owner.signalCode !== null) return;
    const exited = once(owner, 'exit');
    owner.kill('SIGKILL');
    await exited;
  }

  async function left(): Promise<readonly RegistryEntry[]> {
    const there = await Promise.all(
      started.entries.map(({ kind, id }) => exists(kind as RemovableKind, id!)),
    );
    return started.entries.filter((_, index) => there[index]);
  }
});
