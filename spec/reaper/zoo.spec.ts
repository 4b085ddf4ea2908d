import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { connectEngine } from '../../lib/engine/connect';
import { buildReaperImage } from '../../lib/lease/image';
import { dockerCommand } from '../support/docker-command';
import { endReapersOf } from '../support/end-reapers';
import { endsSoon, withRun } from '../support/jest-ends';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import { runCastoff } from '../support/run-castoff';
import { isLong } from '../support/spec-size';
import { exists } from '../support/things';
import { until } from '../support/until';
import { openZoo, type Neighbours, type Zoo } from '../support/zoo';
import { remainingOf, startZooOwner, type ZooOwner } from '../support/zoo-owner';

/** Shorter than the timeout of a spec, so that the check that fails is reported. */
const goneTimeoutMs = 20_000;

let engine: PrivateEngine;
let docker: Docker;
let folder: string;
/** All strangers' resources so far: those made for earlier sessions stay while later sessions end. */
const zoos: Zoo[] = [];
beforeAll(async () => {
  engine = await openPrivateEngine({ isForSwarm: true });
  docker = new Docker({ socketPath: engine.socketPath });
  folder = await mkdtemp(join(tmpdir(), 'castoff-zoo-'));
  if (isLong) await buildReaperImage(await connectEngine(engine.address));
  const addresses = ['--advertise-addr', '127.0.0.1', '--listen-addr', '127.0.0.1:2377'];
  await dockerCommand(engine.address, ['swarm', 'init', ...addresses]);
});
afterAll(async () => {
  await dockerCommand(engine.address, ['swarm', 'leave', '--force']);
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

async function openOneZoo(owned: Neighbours): Promise<void> {
  zoos.push(await openZoo(docker, owned));
}

async function harmed(): Promise<readonly string[]> {
  return (await Promise.all(zoos.map((zoo) => zoo.harmed()))).flat();
}

const castoff = (...args: string[]) =>
  runCastoff(args, { DOCKER_HOST: engine.address, TMPDIR: folder, XDG_RUNTIME_DIR: '' });

async function untilGone({ owned }: ZooOwner): Promise<readonly string[]> {
  await until(async () => (await remainingOf(owned, docker)).length === 0, goneTimeoutMs);
  return remainingOf(owned, docker);
}

interface Ended {
  /** Resources of the session that still exist. */
  readonly remaining: readonly string[];
  /** Resources of strangers that were removed. */
  readonly harmed: readonly string[];
}

const unharmed: Ended = { remaining: [], harmed: [] };

/** Creates neighbours of a session, runs `end`, which resolves to the session's leftovers, and checks both. */
async function withZoo(
  reaper: 'container' | 'process' | 'off',
  end: (owner: ZooOwner) => Promise<readonly string[]>,
): Promise<Ended> {
  const owner = await startZooOwner(engine.address, folder, reaper);
  try {
    await openOneZoo(owner.owned);
    expect(await remainingOf(owner.owned, docker)).toHaveLength(6);
    return { remaining: await end(owner), harmed: await harmed() };
  } finally {
    await owner.kill('SIGKILL');
  }
}

describe('strangers’ resources that resemble a session’s, or inherit its labels, stay when the session', () => {
  it('is closed', async () => {
    const ended = await withZoo('process', async (owner) => {
      await owner.close();
      return remainingOf(owner.owned, docker);
    });
    expect(ended).toEqual(unharmed);
  });

  // bystanders.spec.ts has look-alikes beside a reaper in a container.
  const reapers = ['process', 'container'] as const;
  it.each(isLong ? reapers : reapers.slice(0, 1))('is killed, and a reaper runs as a %s', async (reaper) => {
    const ended = await withZoo(reaper, async (owner) => {
      await owner.kill('SIGKILL');
      return untilGone(owner);
    });
    expect(ended).toEqual(unharmed);
  });

  it('is swept, with every option', async () => {
    const ended = await withZoo('off', async (owner) => {
      await owner.kill('SIGKILL');
      await castoff('sweep', '--dry-run');
      expect(await harmed()).toEqual([]);
      expect(await remainingOf(owner.owned, docker)).toHaveLength(6);
      for (const age of ['--foreign', '--other-hosts']) await castoff('sweep', '--older-than', '24h', age);
      expect(await remainingOf(owner.owned, docker)).toHaveLength(6);
      await castoff('sweep', '--foreign', '--other-hosts', '--older-than', '0s');
      await castoff('sweep');
      return untilGone(owner);
    });
    expect(ended).toEqual(unharmed);
  });
});

describe('strangers’ resources that resemble a run’s stay when Jest', () => {
  // The reaper that removes everything after SIGKILL is that of a session.
  const signals = ['SIGINT', 'SIGKILL'] as const;
  it.each(isLong ? signals : signals.slice(0, 1))('is ended by %s', async (signal) => {
    const env = { DOCKER_HOST: engine.address, HOLD: 'yes' };
    await withRun({ args: ['--runInBand', 'one'], env }, async (run) => {
      expect(await until(() => existsSync(join(run.folder, 'one.ready')), 20_000)).toBe(true);
      const filters = { label: [`castoff-spec-run=${run.id}`] };
      const owned = (await docker.listContainers({ all: true, filters })).map(({ Id }) => Id);
      expect(owned).toHaveLength(2);
      await openOneZoo({ container: owned[0]! });
      try {
        run.killGroup(signal);
        expect(await endsSoon(run)).toBe(true);
        for (const id of owned)
          expect(await until(async () => !(await exists('container', id, docker)), goneTimeoutMs)).toBe(true);
        expect(await harmed()).toEqual([]);
      } finally {
        endReapersOf(run);
      }
    });
  });
});
