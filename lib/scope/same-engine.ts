import { CastoffError } from '../core/errors';
import { processWide } from '../core/global-state';
import { composeProjectLabel } from '../core/labels';
import type { Meaning } from '../engine/answers';
import { listContainers } from '../engine/container-calls';
import type { Engine } from '../engine/engine';
import type { Target } from '../resources/plan';
import { removables } from '../resources/removables';

/**
 * Sees, with the first thing that is started on an engine, that testcontainers starts them where castoff looks for them: of
 * something on another engine, ours would truly say that it is gone. Where ours cannot say now, the next start asks again:
 * what was started well is not undone for that.
 *
 * @throws CastoffError `CONFIG_INVALID` when our engine does not know it.
 */
export async function checkSameEngine(engine: Engine, started: Target, what: string): Promise<void> {
  const confirmed = processWide('engines that testcontainers uses too', () => new Set<string>());
  if (confirmed.has(engine.address)) return;
  const meaning = await look(engine, started);
  if (meaning === 'gone') {
    throw new CastoffError(
      'CONFIG_INVALID',
      `start ${what}: it was started on another engine than ${engine.address}; set DOCKER_HOST, so that both use one`,
    );
  }
  if (meaning === 'done') confirmed.add(engine.address);
}

async function look(engine: Engine, { kind, id }: Target): Promise<Meaning> {
  if (kind !== 'compose-project') return (await removables[kind].inspect(engine, id)).meaning;
  const listed = await listContainers(engine, [`${composeProjectLabel}=${id}`]);
  return listed.meaning === 'done' && listed.value.length === 0 ? 'gone' : listed.meaning;
}
