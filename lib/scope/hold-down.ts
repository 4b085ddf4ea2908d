import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { currentStart } from './start-context';

/** What Node hands to the `spawn` of a new ChildProcess. */
interface SpawnOptions {
  readonly file?: unknown;
  args?: readonly string[] | undefined;
  readonly envPairs?: readonly string[] | undefined;
}

/** A start of a Compose project. */
export interface ComposeStart {
  readonly key: string;
  readonly project: string;
  /** Whether the start is rolled back by what it has created. */
  readonly isRolledBack: () => boolean;
}

/**
 * Has the `docker compose down --volumes` that testcontainers runs when a start fails print its help instead, while a start runs: Compose 2
 * takes down all that carries the project's name, also what others had there before. The start is rolled back by its scope. Returns what
 * ends that.
 *
 * @see testcontainers 12, DockerComposeClient.up and DockerComposeEnvironment.up
 * @see Node.js, `diagnostics_channel`: `child_process` tells of a ChildProcess that has not been spawned yet
 */
export function holdDown({ key, project, isRolledBack }: ComposeStart): () => void {
  const onChild = (message: unknown): void => {
    if (currentStart()?.key !== key) return;
    const child = (
      message as { readonly process: ChildProcess & { spawn?: (given: SpawnOptions) => unknown } }
    ).process;
    const { spawn } = child;
    if (typeof spawn !== 'function') return;
    child.spawn = function heldSpawn(options: SpawnOptions) {
      child.spawn = spawn;
      const args = argsOfHelp(options, project);
      // Node owns this object, and reads it next.
      if (args !== undefined && isRolledBack()) Object.assign(options, { args });
      return Reflect.apply(spawn, child, [options]);
    };
  };
  subscribe('child_process', onChild);
  return () => void unsubscribe('child_process', onChild);
}

/** The arguments of a `down` of the project, so that it does nothing; `undefined` for any other command. */
export function argsOfHelp(
  { file, args = [], envPairs = [] }: SpawnOptions,
  project: string,
): readonly string[] | undefined {
  const isCompose = typeof file === 'string' && /(?:^|[\\/])(?:docker|docker-compose)(?:\.exe)?$/i.test(file);
  const verbAt = args.lastIndexOf('down');
  // testcontainers names the project in the environment, and gives `down` flags and no services.
  const isMeant = isCompose && envPairs.includes(`COMPOSE_PROJECT_NAME=${project}`) && verbAt > 0;
  return isMeant ? args.toSpliced(verbAt + 1, 0, '--help') : undefined;
}
