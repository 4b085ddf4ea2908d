import type { Command } from 'commander';
import { connectEngine } from '../engine/connect';
import { buildReaperImage } from '../lease/image';
import { reaperImage } from '../lease/image-recipe';
import { withEngineFlags } from './engine-flags';
import { withProgress } from './progress';

interface ImageMessages {
  readonly notes: readonly string[];
  readonly name: string;
}

/** Adds `castoff reaper image`. */
export function addReaperImage(reaper: Command): void {
  withEngineFlags(reaper.command('image'))
    .description(
      "build the reaper's image from this Node.js, without any registry; the last line is its name",
    )
    .option('--base <image>', 'build on an image with Node.js instead, such as node:24-alpine')
    .action(async (options: { base?: string }) => {
      const { notes, name } = await makeReaperImage(options);
      for (const note of notes) process.stderr.write(`${note}\n`);
      process.stdout.write(`${name}\n`);
    });
}

/** Builds the reaper's image on the engine unless it is up to date. */
async function makeReaperImage(options: { readonly base?: string | undefined }): Promise<ImageMessages> {
  const engine = await connectEngine();
  const startedAt = performance.now();
  const { name, isBuilt, hasBinder } = await withProgress(`building ${reaperImage}`, () =>
    buildReaperImage(engine, options),
  );
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const done = isBuilt ? `${name} built on ${engine.address} in ${seconds} s` : `${name} is up to date`;
  const binderNote =
    "this package has no bind-then-run for the engine's CPU: in place of Ryuk, the reaper listens only once Node.js has started";
  return { notes: hasBinder ? [done] : [done, binderNote], name };
}
