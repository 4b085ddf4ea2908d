import { formatDuration } from '../core/durations';
import { CastoffError, isCastoffError } from '../core/errors';
import type { OptionNames } from '../core/option-names';
import { withTimeout } from '../core/timeout';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import type { RemovableKind } from '../core/kinds';
import {
  checkCleanupOptions,
  cleanupDefaults,
  cleanupOptionNames,
  type CleanupOptions,
} from './cleanup-options';
import { cleanupOne, type CleanupResult } from './cleanup-one';
import { cleanupProject, type ComposeProjectResult } from './compose-project';
import { checkProjectFolder } from './project-folder';
import { idOfRef, type OptionalRef } from './ref';

/**
 * Removes a container and its anonymous volumes, in any state, and verifies that it is gone.
 *
 * Resolves to the outcome: `removed` (by this call), `already-gone`, `removed-elsewhere` (another client's
 * removal, observed to completion) or `skipped` (`ref` was null or undefined). Safe to call concurrently: all
 * callers share one removal, which uses the options of the first.
 *
 * @param ref - Id, name, dockerode container or started test container.
 * @param options.stopTimeoutMs - Grace before SIGKILL, in milliseconds. Default 0: kill at once.
 * @throws CleanupError `CLEANUP_FAILED` when it still exists at the deadline, or the engine refuses; carries
 * the evidence.
 * @throws CastoffError `CONFIG_INVALID` for an invalid reference or option; `ENGINE_UNREACHABLE` when no
 * engine answers.
 * @see Engine API, ContainerDelete: 404, 409
 */
export function cleanupContainer(ref: OptionalRef, options: CleanupOptions = {}): Promise<CleanupResult> {
  return cleanup('container', ref, options);
}

/**
 * Removes a network and verifies that it is gone; disconnects attached containers first. Otherwise like
 * {@link cleanupContainer}.
 *
 * @see Engine API, NetworkDelete: 403 "has active endpoints"
 */
export function cleanupNetwork(ref: OptionalRef, options: CleanupOptions = {}): Promise<CleanupResult> {
  return cleanup('network', ref, options);
}

/**
 * Removes a volume and verifies that it is gone; waits while a container uses it. Otherwise like {@link
 * cleanupContainer}.
 *
 * @see Engine API, VolumeDelete: 409 "volume is in use"
 */
export function cleanupVolume(ref: OptionalRef, options: CleanupOptions = {}): Promise<CleanupResult> {
  return cleanup('volume', ref, options);
}

/**
 * Untags an image, and removes it with its last tag; waits while a container uses it. Never forced: other
 * tags and other users' containers keep their image. Otherwise like {@link cleanupContainer}.
 *
 * @see Engine API, ImageDelete: 409
 */
export function cleanupImage(ref: OptionalRef, options: CleanupOptions = {}): Promise<CleanupResult> {
  return cleanup('image', ref, options);
}

/** Options of {@link cleanupComposeProject}. */
interface ComposeCleanupOptions extends CleanupOptions {
  /** Whether to remove its named and anonymous volumes. Default true. */
  readonly removeVolumes?: boolean | undefined;
  /**
   * The folder of the project's first Compose file. Default: the folder that `docker compose` would use in
   * this process's working directory.
   */
  readonly workingDir?: string | undefined;
}

const composeOptionNames: OptionNames<ComposeCleanupOptions> = { ...cleanupOptionNames, workingDir: true };

/**
 * Removes the containers, networks, volumes and built images of a Compose project, in that order, and
 * verifies that nothing is left, including resources that `docker compose` creates meanwhile. `external`
 * resources stay.
 *
 * Resolves to the results of its parts; `already-gone` when nothing carries its label; `skipped` for null or
 * undefined.
 *
 * @param name - The project's name, as in `docker compose -p` or `withProjectName`.
 * @param options - As for {@link cleanupContainer}; `timeoutMs` limits the whole cleanup.
 * @throws CastoffError `CLEANUP_FAILED` with every part's failure in `errors`; `CONFIG_INVALID` for an
 * invalid name, and when the labels of the project's containers name another folder than `workingDir`:
 * nothing is removed then.
 * @see docker compose, labels `com.docker.compose.project` and `com.docker.compose.project.working_dir`
 */
export async function cleanupComposeProject(
  name: string | null | undefined,
  options: ComposeCleanupOptions = {},
): Promise<ComposeProjectResult> {
  const what = 'clean up a Compose project';
  checkCleanupOptions(what, options, composeOptionNames);
  if (name === null || name === undefined) {
    return { kind: 'compose-project', id: '', outcome: 'skipped', attempts: 0, durationMs: 0, parts: [] };
  }
  // @see Compose specification, "name": lower case letters, digits, dashes and underscores; older versions
  // allowed more
  if (typeof name !== 'string' || !/^[\w.-]+$/.test(name))
    throw new CastoffError('CONFIG_INVALID', `${what}: got ${JSON.stringify(name)}; give its name`);
  const { workingDir, removeVolumes } = options;
  if (workingDir !== undefined && (typeof workingDir !== 'string' || workingDir === '')) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `${what}: workingDir: got ${JSON.stringify(workingDir)}; give the folder of its first Compose file`,
    );
  }
  const check = checkProjectFolder(name, workingDir);
  const kinds = removeVolumes === false ? (['container', 'network', 'image'] as const) : undefined;
  return onEngine(`remove Compose project ${name}`, options, (engine, timeoutMs) =>
    cleanupProject(engine, name, { ...options, timeoutMs, kinds, check }),
  );
}

async function cleanup(
  kind: RemovableKind,
  ref: OptionalRef,
  options: CleanupOptions,
): Promise<CleanupResult> {
  const what = `clean up ${kind === 'image' ? 'an' : 'a'} ${kind}`;
  checkCleanupOptions(what, options, cleanupOptionNames);
  const id = idOfRef(what, ref);
  if (id === undefined) return { kind, id: '', outcome: 'skipped', attempts: 0, durationMs: 0 };
  return onEngine(`remove ${kind} ${id}`, options, (engine, timeoutMs) =>
    cleanupOne(engine, kind, id, { ...options, timeoutMs }),
  );
}

/** Finds the engine, and calls `clean` with it and the time that is left, in milliseconds. */
async function onEngine<Result extends CleanupResult>(
  what: string,
  { engine: address, timeoutMs = cleanupDefaults.timeoutMs, signal }: CleanupOptions,
  clean: (engine: Engine, timeoutMs: number) => Promise<Result>,
): Promise<Result> {
  const startedAt = performance.now();
  const elapsedMs = (): number => performance.now() - startedAt;
  signal?.throwIfAborted();
  let engine: Engine;
  try {
    engine = await withTimeout(connectEngine(address), { what, timeoutMs, signal });
  } catch (error) {
    if (!isCastoffError(error, 'DEADLINE_EXCEEDED') || error === signal?.reason) throw error;
    const message = `${what}: the engine did not answer in ${formatDuration(timeoutMs)}`;
    throw new CastoffError('CLEANUP_FAILED', message, { cause: error });
  }
  const result = await clean(engine, Math.max(0, timeoutMs - elapsedMs()));
  return { ...result, durationMs: elapsedMs() };
}
