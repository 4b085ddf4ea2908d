import type { RemovableKind } from '../../lib/core/kinds';
import { listPids, readProc } from './proc';
import { docker } from './things';

/** A resource on the engine, or a local process. */
export interface StockItem {
  readonly kind: RemovableKind | 'process';
  readonly names: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** The state of a container. */
  readonly state?: string | undefined;
}

/** Everything that identifies the resources of one process, whenever it was killed. */
export interface Traces {
  readonly pid: number;
  /** The temporary folder of this process and its children. */
  readonly folder: string;
  session?: string;
  /** testcontainers' session id, the only label on resources that cannot get ours. */
  foreignSession?: string;
  /** Names of resources of any kind, and of Compose projects. */
  readonly names: Set<string>;
}

/**
 * Lists everything on the engine, without castoff or filters, and the processes whose TMPDIR is one of
 * `folders`.
 */
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

/** Shares listings: calls during one share the next, so that each gets one that started after the call. */
function sharing<T>(list: () => Promise<T>): () => Promise<T> {
  let current: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  return () => {
    next ??= current.then(() => {
      next = undefined;
      const listing = list();
      current = listing.catch(() => undefined);
      return listing;
    });
    return next;
  };
}

/** Filters `stock` for the items of one process, including its reaper. */
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

/** Whether the item is a reaper container or a process, which need not be removed by the reaper. */
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

/** Finds processes by the TMPDIR in their environment. */
const listProcesses = sharing(async (): Promise<readonly StockItem[]> =>
  listPids().flatMap((pid) => {
    const [, folder] = /(?:^|\0)TMPDIR=([^\0]+)/.exec(readProc(pid, 'environ')) ?? [];
    if (folder === undefined) return [];
    const command = readProc(pid, 'cmdline').split('\0').join(' ');
    return [{ kind: 'process' as const, names: [String(pid), command], labels: { TMPDIR: folder } }];
  }),
);
