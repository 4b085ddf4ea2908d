import { readdir, readFile } from 'node:fs/promises';
import type { RemovableKind } from '../../lib/engine/removable-kind';
import { docker } from './things';

/** Something on the engine, or a process of this machine. */
export interface StockItem {
  readonly kind: RemovableKind | 'process';
  readonly names: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** A container's. */
  readonly state?: string | undefined;
}

/** By what the things of one process are known, whatever it got to say before its end. */
export interface Traces {
  readonly pid: number;
  /** The temporary folder that is this process's own, and that of all whom it starts. */
  readonly folder: string;
  session?: string;
  /** What testcontainers writes on what takes no labels of ours. */
  foreignSession?: string;
  /** Of things whatever their kind, and of Compose projects. */
  readonly names: Set<string>;
}

/** Everything on the engine, past castoff and every filter; and the processes that live in one of `folders`. */
export async function takeStock(folders: readonly string[]): Promise<readonly StockItem[]> {
  const [containers, networks, volumes, images, processes] = await Promise.all([
    docker.listContainers({ all: true }),
    docker.listNetworks(),
    docker.listVolumes(),
    docker.listImages({ all: true }),
    processesIn(folders),
  ]);
  return [
    ...containers.map(({ Id, Names, Labels, State }) => ({
      ...item('container', [Id, ...Names.map(bare)], Labels),
      state: State,
    })),
    ...networks.map(({ Id, Name, Labels }) => item('network', [Id, Name], Labels)),
    ...(volumes.Volumes ?? []).map(({ Name, Labels }) => item('volume', [Name], Labels)),
    ...images.map(({ Id, RepoTags, Labels }) => item('image', [Id, ...(RepoTags ?? [])], Labels)),
    ...processes,
  ];
}

/** What of `stock` is the process's own; a reaper that it had started too. */
export function pickOwn(stock: readonly StockItem[], traces: Traces): readonly StockItem[] {
  return stock.filter(({ kind, names, labels }) => {
    if (kind === 'process') return labels['TMPDIR'] === traces.folder;
    const project = labels['com.docker.compose.project'];
    return (
      labels['castoff.pid'] === String(traces.pid) ||
      (traces.session !== undefined && labels['castoff.session'] === traces.session) ||
      (traces.foreignSession !== undefined &&
        labels['org.testcontainers.session-id'] === traces.foreignSession) ||
      (project !== undefined && traces.names.has(project)) ||
      names.some((name) => traces.names.has(name))
    );
  });
}

/** Whether it is a reaper's container, or a process: what removes, not what is removed. */
export const isReaping = ({ kind, labels }: StockItem): boolean =>
  kind === 'process' || labels['castoff.reaper'] === 'true';

export const describeItem = ({ kind, names }: StockItem): string => `${kind} ${names.join(' ')}`;

function item(
  kind: RemovableKind,
  names: readonly string[],
  labels: Record<string, string> | null | undefined,
): StockItem {
  return { kind, names, labels: labels ?? {} };
}

const bare = (name: string): string => name.replace(/^\//, '');

/** Linux tells the environment of each process: whoever was started in a folder of ours has it there. */
async function processesIn(folders: readonly string[]): Promise<readonly StockItem[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => processIn(pid, folders)));
  return found.filter((one) => one !== undefined);
}

async function processIn(pid: string, folders: readonly string[]): Promise<StockItem | undefined> {
  try {
    const environment = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
    const folder = folders.find((one) => environment.includes(`TMPDIR=${one}`));
    if (folder === undefined) return undefined;
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').join(' ');
    return { kind: 'process', names: [pid, command], labels: { TMPDIR: folder } };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}
