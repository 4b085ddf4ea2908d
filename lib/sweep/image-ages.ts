import pLimit from 'p-limit';
import { valueOf, type Engine } from '../engine/engine';
import { inspectImage } from '../engine/image-calls';
import type { ListedTarget } from '../engine/list-targets';

const maxConcurrentReads = 8;

/**
 * `listed` with the time at which each image was last given a name in the place of its `Created`: a cached build keeps the time of the
 * first one. Without a name it has no known age.
 *
 * @throws EngineError when the engine does not answer.
 */
export async function withImageAges(
  engine: Engine,
  listed: readonly ListedTarget[],
): Promise<readonly ListedTarget[]> {
  const limit = pLimit(maxConcurrentReads);
  return Promise.all(
    listed.map(async (target) => {
      if (target.kind !== 'image') return target;
      const answer = await limit(() => inspectImage(engine, target.id));
      return { ...target, createdAtMs: answer.meaning === 'gone' ? undefined : valueOf(answer).taggedAtMs };
    }),
  );
}
