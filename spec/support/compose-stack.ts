import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { sleeper, specImage } from './spec-image';
import { docker } from './things';

/** Writes a Compose file of services that run until they are killed, each with these volumes (`data:/data`). */
export async function writeStack(
  folder: string,
  file: string,
  services: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  // Compose replaces what looks like a variable.
  const command = sleeper.map((word) => word.replaceAll('$', '$$$$'));
  const service = { image: specImage, command, stop_signal: 'SIGKILL' };
  const names = Object.values(services).flatMap((volumes) =>
    volumes.map((mount) => mount.split(':')[0] ?? ''),
  );
  const content = {
    version: '3.5',
    services: Object.fromEntries(
      Object.entries(services).map(([name, volumes]) => [name, { ...service, volumes }]),
    ),
    volumes: Object.fromEntries(names.map((name) => [name, {}])),
  };
  await writeFile(join(folder, file), JSON.stringify(content));
}

/** The parts of a project: containers by service and id, networks by id, volumes by name. */
export async function partsOfProject(project: string, engine: Docker = docker): Promise<readonly string[]> {
  const filters = { label: [`com.docker.compose.project=${project}`] };
  const [containers, networks, { Volumes }] = await Promise.all([
    engine.listContainers({ all: true, filters }),
    engine.listNetworks({ filters }),
    engine.listVolumes({ filters }),
  ]);
  return [
    ...containers.map(({ Id, Labels }) => `container ${Labels['com.docker.compose.service']} ${Id}`),
    ...networks.map(({ Id }) => `network ${Id}`),
    ...(Volumes ?? []).map(({ Name }) => `volume ${Name}`),
  ].toSorted();
}
