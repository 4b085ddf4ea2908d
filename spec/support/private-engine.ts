import { writeFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { finished } from 'node:stream/promises';
import Docker from 'dockerode';
import { abandon, closeEngine } from './close-engine';
import {
  type EngineProcess,
  type SecondEngine,
  createEngineFolder,
  inOwnNamespaces,
  startProcess,
  waitUntilAnswers,
  waitUntilListens,
} from './engine-process';
import { specImage } from './spec-image';
import { docker } from './things';

/** A dockerd for specs that break or restart one. */
export interface PrivateEngine extends SecondEngine {
  readonly dataRoot: string;
  /** Returns the path at which this machine sees a path of the engine's own mount namespace. */
  pathFromOutside(path: string): string;
  /** SIGKILLs dockerd alone: its containers continue to run. */
  kill(): Promise<void>;
  /** Starts dockerd again on the same data. */
  start(): Promise<void>;
}

export interface PrivateEngineOptions {
  /** Runs without live restore, which a swarm does not support. Default false. */
  readonly isForSwarm?: boolean | undefined;
}

/**
 * Opens a dockerd with its own containerd, data, socket and namespaces, and the spec image. Bridge networks
 * work inside; ports cannot be reached from outside, and a container without a network gets no address.
 *
 * `GraphDriver.Data.UpperDir` is an ordinary path on the machine; only its own processes see merged file
 * systems.
 */
export async function openPrivateEngine(options: PrivateEngineOptions = {}): Promise<PrivateEngine> {
  const folder = await createEngineFolder();
  const socketPath = join(folder, 'docker.sock');
  const address = `unix://${socketPath}`;
  const dataRoot = join(folder, 'data');

  // Keeps the namespaces open, so that dockerd finds its networks after a SIGKILL.
  let containerd: EngineProcess | undefined;
  let dockerd: EngineProcess | undefined;

  const start = async () => {
    if (!containerd) throw new Error(`start dockerd in ${folder}: its containerd is not running`);
    if (dockerd?.isRunning())
      throw new Error(`start dockerd in ${folder}: it is already running (pid ${dockerd.pid})`);
    // A SIGKILL may catch 20.10 between two writes of its list of networks; then it panics at every start, in
    // reservePools (`index out of range [0] with length 0`), until the list is deleted.
    for (let crashes = 0; ; crashes += 1) {
      await rm(join(folder, 'docker.pid'), { force: true });
      dockerd = startDockerd(folder, containerd.pid, options.isForSwarm === true ? [] : ['--live-restore']);
      try {
        await waitUntilAnswers(dockerd, socketPath);
        return;
      } catch (error) {
        if (dockerd.isRunning() || crashes === 2) throw error;
        if (crashes === 1) await rm(join(dataRoot, 'network/files/local-kv.db'), { force: true });
      }
    }
  };

  let closing: Promise<void> | undefined;
  const close = () => (closing ??= closeAll());
  const closeAll = async () => {
    // Restarts a killed daemon to remove its containers; if that fails, closeEngine kills them.
    if (dockerd && !dockerd.isRunning()) await start().catch(() => undefined);
    await closeEngine(folder, socketPath, [dockerd, containerd]);
  };

  try {
    containerd = await startContainerd(folder);
    await start();
    await copySpecImage(socketPath);
  } catch (error) {
    return abandon(error, close);
  }
  const kill = async () => dockerd?.end('SIGKILL');
  const pathFromOutside = (path: string) => `/proc/${containerd?.pid}/root${path}`;
  return { address, socketPath, dataRoot, pathFromOutside, kill, start, close, [Symbol.asyncDispose]: close };
}

/** Copies the spec image from the machine's engine, for a tenth of the CPU time that docker/images.sh takes. */
async function copySpecImage(socketPath: string): Promise<void> {
  const archive = await docker.getImage(specImage).get();
  const engine = new Docker({ socketPath });
  const answer = await engine.loadImage(archive);
  answer.resume();
  await finished(answer);
  // Podman saves it under localhost/.
  const [repo = '', tag = ''] = specImage.split(':');
  for (const { Id } of await engine.listImages()) await engine.getImage(Id).tag({ repo, tag });
}

async function startContainerd(folder: string): Promise<EngineProcess> {
  const socketPath = join(folder, 'containerd.sock');
  const configPath = join(folder, 'containerd.toml');
  await writeFile(
    configPath,
    `version = 2
root = "${folder}/containerd/root"
state = "${folder}/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${socketPath}"
`,
  );
  const command = inOwnNamespaces(folder, ['containerd', '--config', configPath]);
  const containerd = startProcess(folder, 'containerd', command);
  await waitUntilListens(containerd, socketPath);
  return containerd;
}

/**
 * With live restore, dockerd restarts in 0.15 s and finds its containers running, with their endpoints.
 * Without it, it stops each of them first, which takes 10 s for one that ignores SIGTERM, and lists them as
 * exited.
 */
function startDockerd(folder: string, containerdPid: number, more: readonly string[]): EngineProcess {
  return startProcess(folder, 'dockerd', [
    'nsenter',
    `--target=${containerdPid}`,
    '--net',
    '--mount',
    'dockerd',
    `--containerd=${folder}/containerd.sock`,
    `--data-root=${folder}/data`,
    `--exec-root=${folder}/exec`,
    `--pidfile=${folder}/docker.pid`,
    `--host=unix://${folder}/docker.sock`,
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
    ...more,
    '--exec-opt=native.cgroupdriver=cgroupfs',
    `--cgroup-parent=/${basename(folder)}`,
  ]);
}
