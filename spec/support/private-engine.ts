import { writeFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { abandon, closeEngine } from './close-engine';
import {
  type EngineProcess,
  type SecondEngine,
  bringSpecImage,
  createEngineFolder,
  inOwnNamespaces,
  startProcess,
  waitUntilAnswers,
  waitUntilListens,
} from './engine-process';

/** A dockerd for specs that break or restart one. */
export interface PrivateEngine extends SecondEngine {
  readonly dataRoot: string;
  /** SIGKILLs dockerd alone: its containers go on without a daemon. */
  kill(): Promise<void>;
  /** Starts dockerd again on the same data. */
  start(): Promise<void>;
}

export interface PrivateEngineOptions {
  /** Without live restore, which a swarm cannot have. Default false. */
  readonly isForSwarm?: boolean | undefined;
}

/**
 * Opens a dockerd with its own containerd, data, socket and namespaces, which has the spec image. Networks of driver
 * bridge work inside; ports can not be reached from outside, and a container without a network gets no address.
 *
 * `GraphDriver.Data.UpperDir` is an ordinary path on the machine; merged file systems are seen by its processes only.
 */
export async function openPrivateEngine(options: PrivateEngineOptions = {}): Promise<PrivateEngine> {
  const folder = await createEngineFolder();
  const socketPath = join(folder, 'docker.sock');
  const address = `unix://${socketPath}`;
  const dataRoot = join(folder, 'data');

  // The keeper of the namespaces: they live as long as it does, so dockerd finds its networks again after a SIGKILL.
  let containerd: EngineProcess | undefined;
  let dockerd: EngineProcess | undefined;

  const start = async () => {
    if (!containerd) throw new Error(`start dockerd in ${folder}: its containerd does not run`);
    if (dockerd?.isRunning())
      throw new Error(`start dockerd in ${folder}: it runs already (pid ${dockerd.pid})`);
    // A SIGKILL may catch 20.10 between two writes of its list of networks; then it panics at every start, in reservePools
    // (`index out of range [0] with length 0`), until somebody does what people do then: take the list away.
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
    // A daemon that is gone comes back to remove its containers; should it not, closeEngine kills them.
    if (dockerd && !dockerd.isRunning()) await start().catch(() => undefined);
    await closeEngine(folder, socketPath, [dockerd, containerd]);
  };

  try {
    containerd = await startContainerd(folder);
    await start();
    await bringSpecImage(address);
  } catch (error) {
    return abandon(error, close);
  }
  const kill = async () => dockerd?.end('SIGKILL');
  return { address, socketPath, dataRoot, kill, start, close, [Symbol.asyncDispose]: close };
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
 * With live restore, dockerd comes back in 0.15 s and finds its containers running, endpoints and all. Without, it ends
 * each of them first, which takes 10 s for one that ignores SIGTERM; they are known then too, as exited.
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
