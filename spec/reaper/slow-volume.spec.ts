import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { sweep } from '../../lib/index';
import { connectEngine } from '../../lib/engine/connect';
import { buildReaperImage } from '../../lib/lease/image';
import { composeClient } from '../support/compose-client';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { openOwnTemporaryFolder } from '../support/own-temporary-folder';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import { specImage } from '../support/spec-image';
import { uniqueName } from '../support/things';
import { until } from '../support/until';
import { openVolumePlugin, type VolumePlugin } from '../support/volume-plugin';

const program = join(__dirname, '../fixtures/reaper/create-slowly.cjs');
const creations = ['volume', 'container', 'project'];
const quiet = { NODE_NO_WARNINGS: '1' };

let engine: PrivateEngine;
let docker: Docker;
let proxy: FaultProxy;
let plugin: VolumePlugin;
let temporary: ReturnType<typeof openOwnTemporaryFolder>;
/** Has a Compose file whose volume is of the slow driver. */
let folder: string;

beforeAll(async () => {
  engine = await openPrivateEngine();
  docker = new Docker({ socketPath: engine.socketPath });
  plugin = await openVolumePlugin(engine);
  proxy = await openFaultProxy({ upstream: engine.socketPath });
  await buildReaperImage(await connectEngine(engine.address));
  folder = await mkdtemp(join(tmpdir(), 'castoff-slow-'));
  temporary = openOwnTemporaryFolder();
  const app = { image: specImage, command: ['sleep', '60'], volumes: ['data:/data'], network_mode: 'none' };
  const stack = { version: '3.5', services: { app }, volumes: { data: { driver: plugin.driver } } };
  await writeFile(join(folder, 'stack.yml'), JSON.stringify(stack));
}, 120_000);
afterAll(async () => {
  await proxy.close();
  await plugin[Symbol.asyncDispose]();
  await engine.close();
  temporary.close();
  await rm(folder, { recursive: true });
});

/**
 * Starts a program for each creation, and kills all of them, with their children, while their volumes are being created.
 * Resolves to the ids of their sessions.
 */
async function killWhileCreating(reaper: 'process' | 'container' | 'off'): Promise<readonly string[]> {
  plugin.hold();
  const client = await composeClient();
  const children = creations.map((what) => {
    const names = { name: uniqueName(), driver: plugin.driver, folder };
    const plan = { what, reaper, engine: proxy.address, client, ...names };
    return spawn(process.execPath, [program, JSON.stringify(plan)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...quiet, DOCKER_HOST: proxy.address, CASTOFF_REAPER_WATCH: '3s' },
      detached: true,
    });
  });
  const lines = await Promise.all(children.map(({ stdout }) => once(createInterface(stdout), 'line')));
  await plugin.asked(creations.length);
  await Promise.all(
    children.map(async (child) => {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
      await once(child, 'exit');
    }),
  );
  return lines.map(([session]) => String(session));
}

/** Whether a reaper has listed the session as often as it does without finding anything. */
function isReaped(session: string): boolean {
  const isListing = ({ path, ended }: FaultProxy['calls'][number]): boolean =>
    ended === 'answered' && path.includes('/containers/json') && path.includes(session);
  return proxy.calls.filter(isListing).length >= 3;
}

async function containersOf(sessions: readonly string[]): Promise<readonly string[]> {
  const listed = await docker.listContainers({ all: true });
  return listed.flatMap(({ Id, Labels }) =>
    sessions.includes(Labels['castoff.session'] ?? '') || 'com.docker.compose.project' in Labels ? [Id] : [],
  );
}

describe('a volume, a container with a volume and a Compose project whose client is killed while the engine creates them', () => {
  it.each(['process', 'container'] as const)(
    'are removed by a reaper in a %s that has found nothing before',
    async (reaper) => {
      const sessions = await killWhileCreating(reaper);
      expect(await until(() => sessions.every(isReaped))).toBe(true);
      plugin.release();
      expect(await until(() => plugin.volumes().length === creations.length)).toBe(true);
      expect(await until(() => plugin.volumes().length === 0)).toBe(true);
      expect(await until(async () => (await containersOf(sessions)).length === 0)).toBe(true);
    },
  );

  it('are removed by a sweep, without a reaper, after one that has found nothing', async () => {
    const sessions = await killWhileCreating('off');
    expect((await sweep({ engine: proxy.address })).totals.removed).toBe(0);
    plugin.release();
    expect(await until(async () => (await containersOf(sessions)).length === 1)).toBe(true);
    expect(await until(() => plugin.volumes().length === creations.length)).toBe(true);
    const isSwept = async () => {
      await sweep({ engine: proxy.address });
      return plugin.volumes().length === 0;
    };
    expect(await until(isSwept)).toBe(true);
    expect(await containersOf(sessions)).toEqual([]);
  });
});
