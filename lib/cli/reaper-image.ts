import { connectEngine } from '../engine/connect';
import { buildReaperImage } from '../lease/image';

interface ImageMessages {
  readonly notes: readonly string[];
  readonly name: string;
}

/** Builds the reaper's image on the engine unless it is up to date. */
export async function makeReaperImage(options: {
  readonly base?: string | undefined;
}): Promise<ImageMessages> {
  const engine = await connectEngine();
  const startedAt = performance.now();
  const { name, isBuilt, hasBinder } = await buildReaperImage(engine, options);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const done = isBuilt ? `${name} built on ${engine.address} in ${seconds} s` : `${name} is up to date`;
  const binderNote =
    "this package has no bind-then-run for the engine's CPU: in place of Ryuk, the reaper listens only once Node.js has started";
  return { notes: hasBinder ? [done] : [done, binderNote], name };
}
