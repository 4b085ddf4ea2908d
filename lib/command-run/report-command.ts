import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../core/errors';
import { print } from '../core/print';
import { safeJson } from '../core/safe-text';
import { reportRun } from '../runner/report-run';
import { plural } from '../core/plural';
import type { Verdict } from '../verdict/verdict';
import { verdictJson } from '../verdict/verdict-json';
import type { ImagesEnd } from './built-images';
import type { CommandVerdict } from './close-command-run';
import type { CommandStatus } from './command-status';
import { formatSize, type NewImage } from './new-images';
import type { CommandRun } from './open-command-run';

interface CommandReport extends CommandVerdict {
  readonly command: string;
  readonly status: CommandStatus;
  readonly commandRun: CommandRun;
  /** The file for the report as JSON. */
  readonly reportFile: string | undefined;
}

/**
 * Reports the run of a command on standard error, and as JSON. Prints no summary if all is well and the command has
 * castoff sessions of its own, which print theirs. Resolves to whether the file could be written.
 */
export async function reportCommand(report: CommandReport): Promise<boolean> {
  const { verdict, kept, images, command, status, commandRun, reportFile } = report;
  const { requests, relay, session } = commandRun;
  const leftProjects = requests?.projects.foreign ?? [];
  const hasInnerSessions = requests !== undefined && requests.creations.innerSessions.size > 0;
  for (const project of leftProjects)
    print(`the Compose project ${project} existed before the command: castoff leaves all of it alone`);
  if (!hasInnerSessions || !isUneventful(verdict)) await reportRun(verdict, kept);
  for (const line of describeImages(images)) print(line);
  if (reportFile === undefined) return true;
  const json = {
    ...verdictJson(verdict),
    command,
    status,
    session,
    leftProjects,
    images: images.images.map((image) => ({ ...image, isRemoved: images.removed.includes(image) })),
    engineTime: relay.account(),
  };
  try {
    await mkdir(dirname(reportFile), { recursive: true });
    await writeFile(reportFile, `${safeJson(json)}\n`);
  } catch (error) {
    print(`write the report: ${messageOf(error)}`);
    return false;
  }
  return true;
}

function isUneventful({ leaks, ignored, left, failures, kept }: Verdict): boolean {
  return [...leaks, ...ignored, ...left, ...failures, ...kept].length === 0;
}

function describeImages({ images, removed }: ImagesEnd): readonly string[] {
  const kept = images.filter((image) => !removed.includes(image));
  return [
    ...(removed.length === 0 ? [] : [`removed ${listImages(removed)} that the command built`]),
    ...(kept.length === 0 ? [] : [`kept ${listImages(kept)} that the command built`]),
  ];
}

/** `2 images (31.0 MB: app:test, web:dev)` */
function listImages(images: readonly NewImage[]): string {
  const bytes = images.reduce((sum, image) => sum + image.bytes, 0);
  const names = images.flatMap(({ newTags }) => newTags).join(', ');
  return `${plural(images.length, 'image')} (${formatSize(bytes)}: ${names})`;
}
