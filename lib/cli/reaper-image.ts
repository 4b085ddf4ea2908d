import { connectEngine } from '../engine/connect';
import { buildReaperImage } from '../lease/image';

/** What `castoff reaper image` prints: what it did, for people; and, last, the image's name. */
export interface ImageMessages {
  readonly notes: readonly string[];
  readonly name: string;
}

/** Makes sure that the reaper's image is on the engine. */
export async function makeReaperImage(options: {
  readonly base?: string | undefined;
}): Promise<ImageMessages> {
  const engine = await connectEngine();
  const startedAt = performance.now();
  const { name, isBuilt, hasBinder } = await buildReaperImage(engine, options);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const done = isBuilt ? `${name} built on ${engine.address} in ${seconds} s` : `${name} is up to date`;
  const noBinder =
    "this package has no bind-then-run for the engine's processor: used stand-alone, the reaper listens when Node is up";
  return { notes: hasBinder ? [done] : [done, noBinder], name };
}
