import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { currentStart } from './start-context';

/** The argument of Node's internal `spawn` method of a new ChildProcess. */
interface SpawnOptions {
  readonly file?: unknown;
  args?: readonly string[] | undefined;
  readonly envPairs?: readonly string[] | undefined;
}

/** A start of a Compose project. */
export interface ComposeStart {
  readonly key: string;
  readonly project: string;
  /** Whether the scope rolls the start back by the resources that it created. */
  readonly isRolledBack: () => boolean;
}

/**
 * Makes the `docker compose down --volumes` of a failed start print its help instead, until the returned
 * function is called. Compose 2 removes everything with the project's name, including resources that existed
 * before the start. The scope rolls the start back itself.
 *
 * @see testcontainers 12, DockerComposeClient.up and DockerComposeEnvironment.up
 * @see Node.js, `diagnostics_channel`: `child_process` publishes each ChildProcess before it is spawned
 */
export function suppressComposeDown({ key, project, isRolledBack }: ComposeStart): () => void {
  const onChild = (message: unknown): void => {
    if (currentStart()?.key !== key) return;
    const child = (
      message as { readonly process: ChildProcess & { spawn?: (given: SpawnOptions) => unknown } }
    ).process;
    const { spawn } = child;
    if (typeof spawn !== 'function') return;
    child.spawn = function interceptedSpawn(options: SpawnOptions) {
      child.spawn = spawn;
      const args = helpArgs(options, project);
      // Node owns this object, and reads it next.
      if (args !== undefined && isRolledBack()) Object.assign(options, { args });
      return Reflect.apply(spawn, child, [options]);
    };
  };
  subscribe('child_process', onChild);
  return () => void unsubscribe('child_process', onChild);
}

/**
 * Returns the arguments of a `down` of the project with `--help` added; `undefined` for any other command.
 */
export function helpArgs(
  { file, args = [], envPairs = [] }: SpawnOptions,
  project: string,
): readonly string[] | undefined {
  const isCompose = typeof file === 'string' && /(?:^|[\\/])(?:docker|docker-compose)(?:\.exe)?$/i.test(file);
  const verbAt = args.lastIndexOf('down');
  // testcontainers passes the project in the environment, and only flags after `down`.
  const isDown = isCompose && envPairs.includes(`COMPOSE_PROJECT_NAME=${project}`) && verbAt > 0;
  return isDown ? args.toSpliced(verbAt + 1, 0, '--help') : undefined;
}
