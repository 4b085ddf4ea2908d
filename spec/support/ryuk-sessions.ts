import { docker } from './things';

const kinds = ['container', 'network', 'volume'] as const;

/** What is on the engine of sessions of Testcontainers' clients and of Compose projects, their reapers included. */
export interface SessionThing {
  readonly kind: (typeof kinds)[number] | 'reaper';
  readonly id: string;
  readonly remove: () => Promise<unknown>;
}

/** Finds them by what the clients label: the session's id, or the project's name. */
export async function findSessionThings(ids: readonly string[]): Promise<readonly SessionThing[]> {
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

/** Removes what they have left: something only where it was not reaped. */
export async function removeSessionThings(ids: readonly string[]): Promise<void> {
  const things = await findSessionThings(ids);
  await Promise.allSettled(things.filter(({ kind }) => kind === 'reaper').map(({ remove }) => remove()));
  for (const { kind, remove } of things) if (kind !== 'reaper') await remove();
}

/** How many there are of each kind. */
export function countByKind(things: readonly SessionThing[]): Partial<Record<SessionThing['kind'], number>> {
  const counts: Partial<Record<SessionThing['kind'], number>> = {};
  for (const { kind } of things) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
