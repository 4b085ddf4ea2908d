import { rm } from 'node:fs/promises';
import { afterAll, afterEach } from '@jest/globals';
import { labelNames } from '../../lib/core/labels';
import { startCapture } from '../../lib/capture/start-capture';
import type { Capture, CaptureOptions } from '../../lib/capture/capture';
import type { Attribution } from '../../lib/capture/created-by';
import type { RegistryEntry } from '../../lib/registry/entry';
import { journalFolder, sessionIdentity } from '../../lib/registry/session-identity';
import { docker } from './things';
import { removeThingsOfThisFile } from './things-of-file';

/** Captures what the code of this spec file creates, as a run would. */
export interface CaptureStage extends Capture {
  /** The number of calls of `ready()`. */
  readonly readyCalls: () => number;
  /** The claimed labels. */
  readonly claimed: readonly string[];
  /** The labels whose claims were released. */
  readonly released: readonly string[];
  /** The creations that were sent without labels. */
  readonly unlabelled: readonly string[];
  /** The entries captured by this stage, oldest first. */
  readonly entries: () => readonly RegistryEntry[];
  /** Attributes everything created from now on; `undefined` leaves it uncaptured. */
  attributeTo(attribution: Attribution | undefined): void;
}

export const inATest: Attribution = { scope: 'orders.test.js › pays', test: 'orders pays "twice" \\ $HOME' };

function openCaptureStage(options: Partial<Pick<CaptureOptions, 'ready'>> = {}): CaptureStage {
  const { id: session, registry } = sessionIdentity();
  const before = new Set(registry.list().map(({ key }) => key));
  let attribution: Attribution | undefined = inATest;
  let readyCalls = 0;
  const claimed: string[] = [];
  const released: string[] = [];
  const unlabelled: string[] = [];
  const capture = startCapture({
    session,
    registry,
    attribution: () => attribution,
    ready: async () => {
      readyCalls += 1;
      await options.ready?.();
    },
    reportUnlabelled: (creation) => void unlabelled.push(creation),
    claim: async (labels) => void claimed.push(...labels),
    release: async (labels) => void released.push(...labels),
  });
  return {
    ...capture,
    readyCalls: () => readyCalls,
    claimed,
    released,
    unlabelled,
    entries: () => registry.list().filter(({ key, origin }) => origin === 'raw' && !before.has(key)),
    attributeTo: (other) => (attribution = other),
  };
}

/** Opens a stage for a whole spec file and removes what its specs created after each of them. */
export function stageOfFile(options: Parameters<typeof openCaptureStage>[0] = {}): CaptureStage {
  const stage = openCaptureStage(options);
  afterEach(async () => {
    await removeThingsOfThisFile();
    await removeVolumesOfThisFile();
  });
  afterAll(async () => {
    stage.stop();
    await rm(journalFolder(sessionIdentity().id), { recursive: true, force: true });
  });
  return stage;
}

/** The labels that name the owner of a resource. */
export function whose(labels: Readonly<Record<string, string>>) {
  return {
    session: labels[labelNames.session],
    test: labels[labelNames.test],
    source: labels[labelNames.source],
    start: labels[labelNames.start],
  };
}

/** Removes the volumes of this spec file's session; `removeThingsOfThisFile()` removes everything else. */
async function removeVolumesOfThisFile(): Promise<void> {
  const filters = { label: [`${labelNames.session}=${sessionIdentity().id}`] };
  const { Volumes } = await docker.listVolumes({ filters });
  for (const { Name } of Volumes ?? []) await docker.getVolume(Name).remove();
}
