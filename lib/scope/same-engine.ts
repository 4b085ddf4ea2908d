import { CastoffError } from '../core/errors';
import { processWide } from '../core/global-state';
import { composeProjectLabel } from '../core/labels';
import type { Meaning } from '../engine/answers';
import { listKind } from '../engine/list-targets';
import type { Engine } from '../engine/engine';
import type { Target } from '../resources/kind';
import { removables } from '../resources/removables';

/**
 * Checks, on the first start on an engine, that testcontainers uses the same one: else castoff would take a
 * running container for removed. If the engine does not respond, the next start checks again.
 *
 * @throws CastoffError `CONFIG_INVALID` when `started` does not exist on castoff's engine.
 */
export async function checkSameEngine(engine: Engine, started: Target, what: string): Promise<void> {
  const confirmed = processWide('engines that testcontainers uses', () => new Set<string>());
  if (confirmed.has(engine.address)) return;
  const meaning = await inspect(engine, started);
  if (meaning === 'gone') {
    throw new CastoffError(
      'CONFIG_INVALID',
      `start ${what}: testcontainers started it on another engine than ${engine.address}; set DOCKER_HOST, so that both use one`,
    );
  }
  if (meaning === 'done') confirmed.add(engine.address);
}

async function inspect(engine: Engine, { kind, id }: Target): Promise<Meaning> {
  if (kind !== 'compose-project') return (await removables[kind].inspect(engine, id)).meaning;
  const listed = await listKind(engine, 'container', [`${composeProjectLabel}=${id}`]);
  return listed.meaning === 'done' && listed.value.length === 0 ? 'gone' : listed.meaning;
}
