import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { abandon, closeEngine } from './close-engine';
import {
  type EngineProcess,
  type SecondEngine,
  bringSpecImage,
  createEngineFolder,
  inOwnNamespaces,
  startProcess,
  waitUntilAnswers,
} from './engine-process';

// nofile, nproc: without CAP_SYS_RESOURCE, Podman cannot start a container under its own higher limits. The
// rest: the defaults for systemd would leave entries in the machine's cgroups and journal.
const containersConf = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
`;

/**
 * Opens a rootful Podman service with its own storage, socket and namespaces, and the spec image.
 *
 * The default network and bridge networks work inside (with Debian's CNI plugins: without names); ports
 * cannot be reached from outside.
 */
export async function openPodmanEngine(): Promise<SecondEngine> {
  const folder = await createEngineFolder();
  const socketPath = join(folder, 'podman.sock');
  const address = `unix://${socketPath}`;
  let service: EngineProcess | undefined;

  let closing: Promise<void> | undefined;
  const close = () => (closing ??= closeEngine(folder, socketPath, [service]));

  try {
    service = await startPodman(folder, address);
    await waitUntilAnswers(service, socketPath);
    await bringSpecImage(address);
  } catch (error) {
    return abandon(error, close);
  }
  return { address, socketPath, close, [Symbol.asyncDispose]: close };
}

async function startPodman(folder: string, address: string): Promise<EngineProcess> {
  const configPath = join(folder, 'containers.conf');
  const temporary = join(folder, 'tmp');
  await Promise.all([writeFile(configPath, containersConf), mkdir(temporary)]);
  const storage = [`--root=${folder}/root`, `--runroot=${folder}/run`, `--tmpdir=${folder}/libpod`];
  const command = inOwnNamespaces(folder, ['podman', ...storage, 'system', 'service', '--time=0', address]);
  return startProcess(folder, 'podman', command, { CONTAINERS_CONF: configPath, TMPDIR: temporary });
}
