/** What an inspection says of a container's volumes. @see Engine API, ContainerInspect */
export interface MountedContainer {
  readonly Config?:
    | {
        readonly Labels?: Readonly<Record<string, string>> | null | undefined;
        readonly Volumes?: Readonly<Record<string, unknown>> | null | undefined;
      }
    | undefined;
  readonly HostConfig?:
    | {
        readonly Binds?: readonly string[] | null | undefined;
        readonly VolumesFrom?: readonly string[] | null | undefined;
        readonly Mounts?: readonly OrderedMount[] | null | undefined;
      }
    | undefined;
  readonly Mounts?: readonly SeenMount[] | undefined;
}

interface OrderedMount {
  readonly Type?: string | undefined;
  readonly Source?: string | undefined;
  readonly Target?: string | undefined;
}

interface SeenMount {
  readonly Type?: string | undefined;
  readonly Name?: string | undefined;
  readonly Destination?: string | undefined;
}

/** Engines draw 64 hexadecimal digits. */
export function isAnonymousName(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/**
 * The names of the volumes that the engine has made for this container, and no other: those at the paths that its image or its order
 * declares without a name. A volume that was asked for by its name, or that another container has lent, is not among them.
 */
export function volumesOfContainer({ Config, HostConfig, Mounts = [] }: MountedContainer): readonly string[] {
  const { Binds, VolumesFrom, Mounts: ordered } = HostConfig ?? {};
  if ((VolumesFrom ?? []).length > 0) return [];
  const asked = (Binds ?? []).map((bind) => bind.split(':')[0]);
  const named = (ordered ?? []).flatMap(({ Source }) => (Source ? [Source] : []));
  const unnamed = (ordered ?? []).filter(({ Type, Source }) => Type === 'volume' && !Source);
  const declared = new Set([
    ...Object.keys(Config?.Volumes ?? {}),
    ...unnamed.map(({ Target = '' }) => Target),
  ]);
  return Mounts.flatMap(({ Type, Name = '', Destination = '' }) => {
    const isOwn = Type === 'volume' && isAnonymousName(Name) && declared.has(Destination);
    return isOwn && !asked.includes(Name) && !named.includes(Name) ? [Name] : [];
  });
}
