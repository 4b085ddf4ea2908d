import type { Readable } from 'node:stream';
import { CastoffError } from '../core/errors';
import { labelNames } from '../core/labels';
import { valueOf, type Engine } from '../engine/engine';
import { readEngineMachine, type EngineMachine } from '../engine/system-calls';
import { buildImage, importImage } from '../engine/import-image';
import { inspectImage, removeImage, type ImageFacts, type InspectedImage } from '../engine/image-calls';
import { listTargets } from '../engine/list-targets';
import { archiveOf, inMemory, type ArchiveFile } from './archive';
import { filesOfNode, filesOfReaper, readReaperFiles } from './image-files';
import { digestOf, imageConfig, reaperImage } from './image-recipe';

const buildTimeoutMs = 300_000;
/** How long a build may take from its image to its name. */
const namingTimeoutMs = 60_000;

interface ReaperImageOptions {
  /** An image with Node to build on. Default: none; the image gets the running Node and its libraries. */
  readonly base?: string | undefined;
  /** The image's name. Default `castoff/reaper:<version of castoff>`. */
  readonly name?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A reaper image on the engine. */
export interface ReaperImage {
  readonly name: string;
  /** Whether this call built it; otherwise it already existed. */
  readonly isBuilt: boolean;
  /** Whether the image binds its port before Node is up. Only reapers for Ryuk's clients have a port. */
  readonly hasBinder: boolean;
}

/**
 * Builds the reaper's image on the engine from this castoff and, without `base`, the running Node. Contacts
 * no registry.
 *
 * An image with the same content is kept. One with other content loses the name, and is removed.
 *
 * @throws CastoffError `CONFIG_INVALID` when castoff has not been built, or when this Node cannot run in the
 * engine's containers (another system or processor) and there is no `base`; `ENGINE_REFUSED` and
 * `ENGINE_UNREACHABLE`.
 */
export async function buildReaperImage(
  engine: Engine,
  { base, name = reaperImage, signal }: ReaperImageOptions = {},
): Promise<ReaperImage> {
  const machine = valueOf(await readEngineMachine(engine));
  if (base === undefined) checkNodeRunsOn(machine);
  const files = await readReaperFiles(machine.architecture);
  const hasBinder = files.binder !== undefined;
  const config = imageConfig({ hasBinder });
  const node = base ?? `${process.version} ${process.arch}`;
  const content = digestOf([files.program, files.licences, files.binder ?? '', config.join('\n'), node]);
  const image = { name, hasBinder };

  const before = await findImage(engine, name);
  // The name of the base may have moved to another image; the engine's build cache notices.
  if (base === undefined && before?.labels[labelNames.reaperContent] === content)
    return { ...image, isBuilt: false };

  const builder = engine.within({ timeoutMs: buildTimeoutMs, signal });
  const lines = [...config, `LABEL ${labelNames.reaperContent}=${content}`];
  const own = filesOfReaper(files);
  const answer =
    base === undefined
      ? await importImage(builder, name, archiveOf([...(await filesOfNode()), ...own]), lines)
      : await buildImage(builder, name, base, contextOf(base, own, lines));
  const after = await inspectImage(engine, name);
  // A concurrent build with the same content serves as well.
  if (after.meaning !== 'done' || after.value.labels[labelNames.reaperContent] !== content) valueOf(answer);
  await removeReplaced(engine, valueOf(after), before);
  return { ...image, isBuilt: true };
}

function checkNodeRunsOn({ os, architecture }: EngineMachine): void {
  const ours = { x64: 'amd64', ia32: '386' }[process.arch as string] ?? process.arch;
  if (process.platform === os && architecture === ours) return;
  throw new CastoffError(
    'CONFIG_INVALID',
    `build the reaper's image from this Node: it runs on ${process.platform}/${ours}, and the engine runs ${os} on ${architecture}; build on an image with Node: castoff reaper image --base node:24-alpine`,
  );
}

async function findImage(engine: Engine, name: string): Promise<InspectedImage | undefined> {
  const answer = await inspectImage(engine, name);
  return answer.meaning === 'gone' ? undefined : valueOf(answer);
}

function contextOf(base: string, own: readonly ArchiveFile[], lines: readonly string[]): Readable {
  const dockerfile = [`FROM ${base}`, 'COPY castoff /castoff', ...lines].join('\n');
  return archiveOf([...own, inMemory('/Dockerfile', Buffer.from(dockerfile))]);
}

/**
 * Removes reaper images that have lost their name: to this build, to a concurrent one, or to an earlier one
 * whose removal was refused. Images used by a container stay.
 *
 * An image that has not had a name yet also stays: another build may be about to name it, and if it is
 * removed at that moment, the name points to nothing (seen on Docker 20.10.24). Each build checks after it
 * has its name, so the later of two finds the image that lost. Podman does not report lost names, so there
 * the image's age decides.
 */
async function removeReplaced(
  engine: Engine,
  { id }: ImageFacts,
  before: ImageFacts | undefined,
): Promise<void> {
  const ours = await listTargets(engine, [labelNames.reaperContent], ['image']);
  const settledAtMs = Date.now() - namingTimeoutMs;
  for (const image of ours) {
    if (image.id === id) continue;
    const current = await findImage(engine, image.id);
    if (current === undefined || current.tags.length > 0) continue;
    const hasLostName =
      current.hasHadName || current.id === before?.id || (image.createdAtMs ?? Infinity) < settledAtMs;
    if (!hasLostName) continue;
    const answer = await removeImage(engine, image.id);
    if (answer.meaning !== 'gone' && answer.meaning !== 'busy') valueOf(answer);
  }
}
