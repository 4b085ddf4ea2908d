/**
 * The kinds of resources that an engine lists, removes and reports events of, in the order of their removal:
 * dependents before their dependencies. For a new one, add it here and follow the compiler.
 */
export const removableKinds = ['container', 'network', 'volume', 'image'] as const;

/** One of {@link removableKinds}. */
export type RemovableKind = (typeof removableKinds)[number];

/** Every kind that castoff cleans up. A Compose project is the set of resources with its label. */
export type ResourceKind = RemovableKind | 'compose-project';

/** What distinguishes one kind from another, apart from the engine's calls for it. */
interface KindProperties {
  readonly noun: string;
  /** How test code removes one. */
  readonly removalCall: string;
  /** Returns the shell commands that remove resources with these quoted names. */
  readonly removeCommands: (names: readonly string[]) => readonly string[];
}

/** Every kind that castoff cleans up, with its properties. */
export const resourceKinds: Readonly<Record<ResourceKind, KindProperties>> = {
  container: {
    noun: 'container',
    removalCall: 'await container.stop()',
    removeCommands: (names) => [`docker rm -f -v ${names.join(' ')}`],
  },
  network: {
    noun: 'network',
    removalCall: 'await network.stop()',
    removeCommands: (names) => [`docker network rm ${names.join(' ')}`],
  },
  volume: {
    noun: 'volume',
    removalCall: 'await volume.remove()',
    removeCommands: (names) => [`docker volume rm ${names.join(' ')}`],
  },
  image: {
    noun: 'image',
    removalCall: 'await image.remove()',
    removeCommands: (names) => [`docker rmi ${names.join(' ')}`],
  },
  'compose-project': {
    noun: 'Compose project',
    removalCall: 'await environment.down()',
    removeCommands: (names) => names.map((name) => `docker compose -p ${name} down -v`),
  },
};

/** The kinds in the order of reports. */
export const reportOrder: readonly ResourceKind[] = [...removableKinds, 'compose-project'];

/** The kinds in the order of removal: containers before their networks and volumes, and images last. */
export const removalOrder: readonly ResourceKind[] = ['compose-project', ...removableKinds];
