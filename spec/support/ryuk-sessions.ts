import { docker } from './things';

const kinds = ['container', 'network', 'volume'] as const;

/** A resource of a Testcontainers session or a Compose project, or the session's reaper. */
export interface SessionResource {
  readonly kind: (typeof kinds)[number] | 'reaper';
  readonly id: string;
  readonly remove: () => Promise<unknown>;
}

/** Finds resources by the session's id or the project's name in their labels. */
export async function findSessionResources(ids: readonly string[]): Promise<readonly SessionResource[]> {
  const carries = (labels: Readonly<Record<string, string>> | null | undefined) =>
    ids.includes(labels?.['org.testcontainers.session-id'] ?? '') ||
    ids.includes(labels?.['com.docker.compose.project'] ?? '');
  const [containers, networks, { Volumes }] = await Promise.all([
    docker.listContainers({ all: true }),
    docker.listNetworks(),
    docker.listVolumes(),
  ]);
  const isReaper = ({ Names }: { readonly Names: readonly string[] }) =>
    ids.some((id) => Names.includes(`/testcontainers-ryuk-${id}`));
  return [
    ...containers
      .filter((container) => isReaper(container) || carries(container.Labels))
      .map((container) => ({
        kind: isReaper(container) ? ('reaper' as const) : ('container' as const),
        id: container.Id,
        remove: () => docker.getContainer(container.Id).remove({ force: true, v: true }),
      })),
    ...networks
      .filter(({ Labels }) => carries(Labels))
      .map(({ Id }) => ({ kind: 'network' as const, id: Id, remove: () => docker.getNetwork(Id).remove() })),
    ...Volumes.filter(({ Labels }) => carries(Labels)).map(({ Name }) => ({
      kind: 'volume' as const,
      id: Name,
      remove: () => docker.getVolume(Name).remove(),
    })),
  ];
}

/** Removes resources that were not reaped. */
export async function removeSessionResources(ids: readonly string[]): Promise<void> {
  const resources = await findSessionResources(ids);
  await Promise.allSettled(resources.filter(({ kind }) => kind === 'reaper').map(({ remove }) => remove()));
  for (const { kind, remove } of resources) if (kind !== 'reaper') await remove();
}

/** Counts resources by kind. */
export function countByKind(
  resources: readonly SessionResource[],
): Partial<Record<SessionResource['kind'], number>> {
  const counts: Partial<Record<SessionResource['kind'], number>> = {};
  for (const { kind } of resources) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
