import { readdirSync, readFileSync } from 'node:fs';
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
  const [items, processes] = await Promise.all([listEngine(), folders.length === 0 ? [] : listProcesses()]);
  return [...items, ...processes.filter(({ labels }) => folders.includes(labels['TMPDIR'] ?? ''))];
}

const listEngine = sharing(async (): Promise<readonly StockItem[]> => {
  const [containers, networks, volumes, images] = await Promise.all([
    docker.listContainers({ all: true }),
    docker.listNetworks(),
    docker.listVolumes(),
    docker.listImages({ all: true }),
  ]);
  return [
    ...containers.map(({ Id, Names, Labels, State }) => ({
      ...item('container', [Id, ...Names.map(bare)], Labels),
      state: State,
    })),
    ...networks.map(({ Id, Name, Labels }) => item('network', [Id, Name], Labels)),
    ...(volumes.Volumes ?? []).map(({ Name, Labels }) => item('volume', [Name], Labels)),
    ...images.map(({ Id, RepoTags, Labels }) => item('image', [Id, ...(RepoTags ?? [])], Labels)),
  ];
});

/** All who ask while one look is under way share the next: each gets one that began after it had asked. */
function sharing<T>(look: () => Promise<T>): () => Promise<T> {
  let current: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  return () => {
    next ??= current.then(() => {
      next = undefined;
      const looking = look();
      current = looking.catch(() => undefined);
      return looking;
    });
    return next;
  };
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

/**
 * Linux tells the environment of each process: whoever was started in a folder of ours has it there. Read synchronously: a machine
 * has hundreds of processes, and each of these files costs some microseconds that way, a tenth of what a promise for it does.
 */
const listProcesses = sharing(async (): Promise<readonly StockItem[]> => {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(readProcess).filter((one) => one !== undefined);
});

function readProcess(pid: string): StockItem | undefined {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
    const [, folder] = /(?:^|\0)TMPDIR=([^\0]+)/.exec(environment) ?? [];
    if (folder === undefined) return undefined;
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ');
    return { kind: 'process', names: [pid, command], labels: { TMPDIR: folder } };
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}
