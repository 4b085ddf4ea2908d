import { interceptSpawns, type SpawnOptions } from '../commands/intercept-spawns';
import { currentStart } from './start-context';

/**
 * Makes the `docker compose down --volumes` of a failed start print its help instead, until the returned
 * function is called. Compose 2 removes everything with the project's name, including resources that existed
 * before the start. The scope rolls the start back itself.
 *
 * @param isRolledBack - Whether the scope rolls the start back by the resources that it created.
 * @see testcontainers 12, DockerComposeClient.up and DockerComposeEnvironment.up
 */
export function suppressComposeDown(key: string, project: string, isRolledBack: () => boolean): () => void {
  return interceptSpawns((options) => {
    const args = currentStart()?.key === key ? helpArgs(options, project) : undefined;
    if (args !== undefined && isRolledBack()) options.args = args;
  });
}

/** Returns the arguments of a `down` of the project with `--help` added; `undefined` for other commands. */
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
