import { rm } from 'node:fs/promises';
import { afterAll, afterEach } from '@jest/globals';
import { labelNames } from '../../lib/core/labels';
import { startCapture } from '../../lib/capture/start-capture';
import type { Capture, CaptureOptions, Attribution } from '../../lib/capture/capture';
import type { RegistryEntry } from '../../lib/registry/entry';
import { journalFolder, sessionIdentity } from '../../lib/registry/session-identity';
import { docker } from './things';
import { removeThingsOfThisFile } from './things-of-file';

/** A watch on what this spec file's code does, as a run would have it. */
export interface RawStage extends Capture {
  /** How often `ready()` has been asked for. */
  readonly asked: () => number;
  /** What has been claimed. */
  readonly claimed: readonly string[];
  /** What has been given up. */
  readonly released: readonly string[];
  /** The creations that went out without labels. */
  readonly unwatched: readonly string[];
  /** The raw entries, in their order. */
  readonly entries: () => readonly RegistryEntry[];
  /** Where the code is from now on. */
  be(place: Attribution | undefined): void;
}

export const inATest: Attribution = { scope: 'orders.test.js › pays', test: 'orders pays "twice" \\ $HOME' };

function openRawStage(options: Partial<Pick<CaptureOptions, 'ready'>> = {}): RawStage {
  const { id: session, registry } = sessionIdentity();
  const before = new Set(registry.list().map(({ key }) => key));
  let place: Attribution | undefined = inATest;
  let asked = 0;
  const claimed: string[] = [];
  const released: string[] = [];
  const unwatched: string[] = [];
  const watch = startCapture({
    session,
    registry,
    whereabouts: () => place,
    ready: async () => {
      asked += 1;
      await options.ready?.();
    },
    unwatched: (creation) => void unwatched.push(creation),
    claim: async (labels) => void claimed.push(...labels),
    release: async (labels) => void released.push(...labels),
  });
  return {
    ...watch,
    asked: () => asked,
    claimed,
    released,
    unwatched,
    entries: () => registry.list().filter(({ key, origin }) => origin === 'raw' && !before.has(key)),
    be: (other) => (place = other),
  };
}

/** A stage for a whole spec file, which cleans up after each of its specs. */
export function stageOfFile(options: Parameters<typeof openRawStage>[0] = {}): RawStage {
  const stage = openRawStage(options);
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

/** The labels of castoff that say whose something is. */
export function whose(labels: Readonly<Record<string, string>>) {
  return {
    session: labels[labelNames.session],
    test: labels[labelNames.test],
    source: labels[labelNames.source],
    start: labels[labelNames.start],
  };
}

/** Takes away the volumes of this spec file's session; the rest goes with `removeThingsOfThisFile()`. */
async function removeVolumesOfThisFile(): Promise<void> {
  const filters = { label: [`${labelNames.session}=${sessionIdentity().id}`] };
  const { Volumes } = await docker.listVolumes({ filters });
  for (const { Name } of Volumes ?? []) await docker.getVolume(Name).remove();
}
