import pLimit from 'p-limit';
import { valueOf, type Engine } from '../engine/engine';
import { inspectImage } from '../engine/image-calls';
import type { ListedTarget } from '../engine/list-targets';

const maxConcurrentReads = 8;

/**
 * Replaces each image's `Created` with the time at which it was last tagged, since a cached build keeps the
 * time of the first build. An image without a tag has no known age.
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
