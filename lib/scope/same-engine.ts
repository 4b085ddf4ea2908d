import { CastoffError } from '../core/errors';
import { processWide } from '../core/global-state';
import { inspectContainer } from '../engine/container-calls';
import type { Engine } from '../engine/engine';

/**
 * Sees, with the first container of an engine, that testcontainers starts them where castoff looks for them: of a container on
 * another engine, ours would truly say that it is gone.
 *
 * @throws CastoffError `CONFIG_INVALID` when our engine does not know it.
 */
export async function checkSameEngine(engine: Engine, id: string, what: string): Promise<void> {
  const confirmed = processWide('engines that testcontainers uses too', () => new Set<string>());
  if (confirmed.has(engine.address)) return;
  const seen = await inspectContainer(engine, id);
  if (seen.meaning === 'gone') {
    throw new CastoffError(
      'CONFIG_INVALID',
      `start ${what}: it was started on another engine than ${engine.address}; set DOCKER_HOST, so that both use one`,
      { cause: seen.error },
    );
  }
  if (seen.meaning === 'done') confirmed.add(engine.address);
}
