import type { Labels } from '../core/labels';
/** The part of a container's inspection that is about volumes. @see Engine API, ContainerInspect */
export interface MountedContainer {
  readonly Config?:
    | {
        readonly Labels?: Labels | null | undefined;
        readonly Volumes?: Readonly<Record<string, unknown>> | null | undefined;
      }
    | undefined;
  readonly HostConfig?:
    | {
        readonly Binds?: readonly string[] | null | undefined;
        readonly VolumesFrom?: readonly string[] | null | undefined;
        readonly Mounts?: readonly RequestedMount[] | null | undefined;
      }
    | undefined;
  readonly Mounts?: readonly ActualMount[] | undefined;
}

interface RequestedMount {
  readonly Type?: string | undefined;
  readonly Source?: string | undefined;
  readonly Target?: string | undefined;
}

interface ActualMount {
  readonly Type?: string | undefined;
  readonly Name?: string | undefined;
  readonly Destination?: string | undefined;
}

/** Returns whether an engine generated the name: 64 hexadecimal digits. */
export function isAnonymousName(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/**
 * Returns the names of the anonymous volumes that the engine created for this container: those at paths that
 * the image, or the create request, declares without a name. Named volumes, and volumes from other
 * containers, are left out.
 */
export function volumesOfContainer({ Config, HostConfig, Mounts = [] }: MountedContainer): readonly string[] {
  const { Binds, VolumesFrom, Mounts: requested } = HostConfig ?? {};
  if ((VolumesFrom ?? []).length > 0) return [];
  const bound = (Binds ?? []).map((bind) => bind.split(':')[0]);
  const named = (requested ?? []).flatMap(({ Source }) => (Source ? [Source] : []));
  const unnamed = (requested ?? []).filter(({ Type, Source }) => Type === 'volume' && !Source);
  const declared = new Set([
    ...Object.keys(Config?.Volumes ?? {}),
    ...unnamed.map(({ Target = '' }) => Target),
  ]);
  return Mounts.flatMap(({ Type, Name = '', Destination = '' }) => {
    const isOwn = Type === 'volume' && isAnonymousName(Name) && declared.has(Destination);
    return isOwn && !bound.includes(Name) && !named.includes(Name) ? [Name] : [];
  });
}
