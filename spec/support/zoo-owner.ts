import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type Docker from 'dockerode';
import type { ReaperChoice } from '../../lib/lease/reaper-choice';
import { composeClient } from './compose-client';
import { exists, uniqueName } from './things';

/** The resources of one session, one of each kind. */
export interface Owned {
  readonly session: string;
  /** Ids of a container and of the network it is attached to. */
  readonly container: string;
  readonly network: string;
  /** The name of an image that the session built. */
  readonly image: string;
  readonly project: string;
  /** A volume without labels that its scope adopted. */
  readonly volume: string;
}

/** A process that owns one resource of each kind until it is closed or killed. */
export interface ZooOwner {
  readonly owned: Owned;
  close(): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Folder of the session's Compose file. */
export const zooFolder = join(__dirname, '../fixtures/zoo');
const program = join(zooFolder, 'owner.cjs');

/** Starts an owner. @param folder - Its temporary folder, for journals and the host process's socket. */
export async function startZooOwner(engine: string, folder: string, reaper: ReaperChoice): Promise<ZooOwner> {
  const plan = JSON.stringify({ reaper, name: uniqueName(), composeClient: await composeClient() });
  const child = spawn(process.execPath, [program, plan], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      ...process.env,
      DOCKER_HOST: engine,
      TMPDIR: folder,
      XDG_RUNTIME_DIR: '',
      CASTOFF_SWEEP: 'off',
      NODE_NO_WARNINGS: '1',
      TESTCONTAINERS_RYUK_DISABLED: 'true',
    },
  });
  const ended = once(child, 'exit');
  const line = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (line.done === true) throw new Error('the owner exited before it had created its resources');
  const owned: Owned = JSON.parse(line.value);
  return {
    owned,
    async close() {
      child.stdin.write('close\n');
      await ended;
    },
    async kill(signal) {
      child.kill(signal);
      await ended;
    },
  };
}

/** The resources that still exist, without the adopted volume, which the stranger has replaced. */
export async function remainingOf(owned: Owned, docker: Docker): Promise<readonly string[]> {
  const { container, network, image, project } = owned;
  const filters = { label: [`com.docker.compose.project=${project}`] };
  const [containers, networks, { Volumes }] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  const named = await Promise.all([
    exists('container', container, docker).then((isThere) => (isThere ? ['container'] : [])),
    exists('network', network, docker).then((isThere) => (isThere ? ['network'] : [])),
    exists('image', image, docker).then((isThere) => (isThere ? ['image'] : [])),
  ]);
  return [
    ...named.flat(),
    ...containers.map(({ Names }) => `project container ${Names[0]}`),
    ...networks.map(({ Name }) => `project network ${Name}`),
    ...(Volumes ?? []).map(({ Name }) => `project volume ${Name}`),
  ];
}
