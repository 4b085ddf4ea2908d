import pLimit from 'p-limit';
import { valueOf, type Engine } from '../engine/engine';
import { inspectImage } from '../engine/image-calls';
import { listTargets, type ListedTarget } from '../engine/list-targets';

const maxConcurrentReads = 8;

/**
 * Lists the resources that have all of `labels`. The creation time of an image is the time at which it was last
 * tagged, since a cached build keeps the time of the first build. An image without a tag has no known age.
 *
 * @throws EngineError when the engine does not answer.
 */
export async function listWithAges(
  engine: Engine,
  labels: readonly string[],
): Promise<readonly ListedTarget[]> {
  const limit = pLimit(maxConcurrentReads);
  const listed = await listTargets(engine, labels);
  return Promise.all(
    listed.map(async (target) => {
      if (target.kind !== 'image') return target;
      const answer = await limit(() => inspectImage(engine, target.id));
      return { ...target, createdAtMs: answer.meaning === 'gone' ? undefined : valueOf(answer).taggedAtMs };
    }),
  );
}
