import { Readable } from 'node:stream';
import { CastoffError } from '../core/errors';
import { packageVersion } from '../core/package-version';
import { valueOf, type Engine } from '../engine/engine';
import { readEngineMachine, type EngineMachine } from '../engine/engine-machine';
import { buildImage, importImage, type ImageName } from '../engine/import-image';
import {
  inspectImage,
  listImages,
  removeImage,
  type ImageFacts,
  type InspectedImage,
} from '../engine/image-calls';
import { inMemory, readReaperFiles, tarFilesOfNode, tarFilesOfReaper } from './image-files';
import { contentLabel, digestOf, imageConfig, reaperImageName } from './image-recipe';
import { tarOf, type TarFile } from './tar';

const buildTimeoutMs = 300_000;
const namingTimeMs = 60_000;

export interface ReaperImageOptions {
  /** An image that has Node, to build on. Default: none; the running Node and its libraries go into the image. */
  readonly base?: string | undefined;
  /** The name to give. Default `castoff/reaper:<version of castoff>`. */
  readonly name?: ImageName | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ReaperImage {
  readonly name: string;
  /** Whether this call has built it; else it was there. */
  readonly isBuilt: boolean;
  /** Whether its port is bound before Node is up: only the stand-alone reaper has one. */
  readonly hasBinder: boolean;
}

/**
 * Makes sure that the reaper's image is on the engine, made of this castoff and, without `base`, of the Node that runs: no
 * registry is asked. One that is made of the same is left as it is; one of another content loses the name, and goes.
 *
 * @throws CastoffError `CONFIG_INVALID` where castoff has not been built, and where this Node cannot run in the engine's
 * containers (another system or processor) and there is no `base`; `ENGINE_REFUSED` and `ENGINE_UNREACHABLE`.
 */
export async function buildReaperImage(
  engine: Engine,
  { base, name = reaperImageName(packageVersion), signal }: ReaperImageOptions = {},
): Promise<ReaperImage> {
  const machine = valueOf(await readEngineMachine(engine));
  if (base === undefined) checkNodeRunsOn(machine);
  const files = await readReaperFiles(machine.architecture);
  const hasBinder = files.binder !== undefined;
  const config = imageConfig({ hasBinder });
  const node = base ?? `${process.version} ${process.arch}`;
  const content = digestOf([files.program, files.licences, files.binder ?? '', config.join('\n'), node]);
  const image = { name: fullName(name), hasBinder };

  const before = await findImage(engine, image.name);
  // A base may have come to mean another image: the engine's cache knows.
  if (base === undefined && before?.labels[contentLabel] === content) return { ...image, isBuilt: false };

  const patient = engine.within({ timeoutMs: buildTimeoutMs, signal });
  const lines = [...config, `LABEL ${contentLabel}=${content}`];
  const own = tarFilesOfReaper(files);
  const answer =
    base === undefined
      ? await importImage(patient, name, archiveOf([...(await tarFilesOfNode()), ...own]), lines)
      : await buildImage(patient, name, base, contextOf(base, own, lines));
  const after = await inspectImage(engine, image.name);
  // What somebody else has made of the same at the same time serves as well.
  if (after.meaning !== 'done' || after.value.labels[contentLabel] !== content) valueOf(answer);
  await removeReplaced(engine, valueOf(after), before);
  return { ...image, isBuilt: true };
}

function checkNodeRunsOn({ os, architecture }: EngineMachine): void {
  const ours = { x64: 'amd64', ia32: '386' }[process.arch as string] ?? process.arch;
  if (process.platform === os && architecture === ours) return;
  throw new CastoffError(
    'CONFIG_INVALID',
    `build the reaper's image from this Node: it is a program for ${process.platform} on ${ours}, and the engine runs ${os} on ${architecture}; name an image that has Node: castoff reaper image --base node:24-alpine`,
  );
}

const fullName = ({ repository, tag }: ImageName): string => `${repository}:${tag}`;

async function findImage(engine: Engine, name: string): Promise<InspectedImage | undefined> {
  const answer = await inspectImage(engine, name);
  return answer.meaning === 'gone' ? undefined : valueOf(answer);
}

function archiveOf(files: readonly TarFile[]): Readable {
  return Readable.from(tarOf(files), { objectMode: false });
}

function contextOf(base: string, own: readonly TarFile[], lines: readonly string[]): Readable {
  const dockerfile = [`FROM ${base}`, 'COPY castoff /castoff', ...lines].join('\n');
  return archiveOf([...own, inMemory('/Dockerfile', Buffer.from(dockerfile))]);
}

/**
 * Removes what is ours and has lost its name: what had it before, the same content that lost it to another build, and what an
 * earlier call had to leave. One that a container uses stays. So does one that may be about to get its name, which others
 * make, also under another name: gone at that moment, it would leave the name to nothing (seen on Docker 20.10.24). Every
 * build looks when it has its name, so the later of two sees whichever lost. Podman does not tell who has lost: age does.
 */
async function removeReplaced(
  engine: Engine,
  { id }: ImageFacts,
  before: ImageFacts | undefined,
): Promise<void> {
  const ours = valueOf(await listImages(engine, [contentLabel]));
  const settledAtMs = Date.now() - namingTimeMs;
  for (const image of ours) {
    if (image.id === id) continue;
    const now = await findImage(engine, image.id);
    if (now === undefined || now.tags.length > 0) continue;
    const hasLostName = now.hasHadName || now.id === before?.id || image.createdAtMs < settledAtMs;
    if (!hasLostName) continue;
    const answer = await removeImage(engine, image.id);
    if (answer.meaning !== 'gone' && answer.meaning !== 'busy') valueOf(answer);
  }
}
