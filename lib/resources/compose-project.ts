import { checkDuration, formatDuration } from '../core/durations';
import { CastoffError, cleanupFailed, isCastoffError } from '../core/errors';
import { composeProjectLabel } from '../core/labels';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import { withTimeout } from '../core/timeout';
import { timeouts } from '../core/timeouts';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import type { RemovableKind } from '../engine/removable-kind';
import { cleanupOptionNames, type CleanupOptions, type CleanupResult } from './cleanup-one';
import { cleanupByLabel, type LabelCleanupOptions } from './cleanup-by-label';
import { checkProjectFolder } from './project-folder';

/** Result of a project's cleanup: `id` is the project's name, `attempts` the sum over all parts. */
export interface ComposeProjectResult extends CleanupResult {
  /** Results of the parts, in the order in which they finished. */
  readonly parts: readonly CleanupResult[];
}

/** Options of {@link cleanupComposeProject}. */
export interface ComposeCleanupOptions extends CleanupOptions {
  /** Whether to remove its named and anonymous volumes. Default true. */
  readonly removeVolumes?: boolean | undefined;
  /**
   * The folder of the project's first Compose file. Default: the folder that `docker compose` would use in
   * this process's working directory.
   */
  readonly workingDir?: string | undefined;
}

const optionNames: OptionNames<ComposeCleanupOptions> = { ...cleanupOptionNames, workingDir: true };

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
  checkOptionNames('clean up a Compose project', options, optionNames);
  if (name === null || name === undefined) {
    return { kind: 'compose-project', id: '', outcome: 'skipped', attempts: 0, durationMs: 0, parts: [] };
  }
  const { workingDir, ...settings } = options;
  if (workingDir !== undefined && (typeof workingDir !== 'string' || workingDir === '')) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `clean up a Compose project: workingDir: got ${JSON.stringify(workingDir)}; give the folder of its first Compose file`,
    );
  }
  const kinds: readonly RemovableKind[] | undefined =
    options.removeVolumes === false ? ['container', 'network', 'image'] : undefined;
  return cleanupProject(name, { ...settings, kinds, check: checkProjectFolder(name, workingDir) });
}

/** Options of {@link cleanupProject}. */
export interface ProjectCleanupOptions
  extends CleanupOptions, Pick<LabelCleanupOptions, 'bounds' | 'check' | 'kinds'> {}

/** Like {@link cleanupComposeProject}, for the parts within `bounds` and from any folder. */
export async function cleanupProject(
  name: string,
  options: ProjectCleanupOptions = {},
): Promise<ComposeProjectResult> {
  const startedAt = performance.now();
  // @see Compose specification, "name": lower case letters, digits, dashes and underscores; older versions
  // allowed more
  if (typeof name !== 'string' || !/^[\w.-]+$/.test(name)) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `clean up a Compose project: got ${JSON.stringify(name)}; give its name`,
    );
  }
  const timeoutMs = checkDuration('timeoutMs', options.timeoutMs ?? timeouts.cleanupMs);
  if (options.stopTimeoutMs !== undefined) checkDuration('stopTimeoutMs', options.stopTimeoutMs);
  options.signal?.throwIfAborted();
  const engine = await connectWithin(name, timeoutMs, options);
  const { results, errors } = await cleanupByLabel(engine, [`${composeProjectLabel}=${name}`], {
    ...options,
    timeoutMs,
  });
  if (errors.length > 0) {
    const what = `${errors.length} of its resources could not be removed`;
    throw cleanupFailed(`remove Compose project ${name}: ${what}`, errors);
  }
  return {
    kind: 'compose-project',
    id: name,
    outcome: results.length === 0 ? 'already-gone' : 'removed',
    attempts: results.reduce((sum, result) => sum + result.attempts, 0),
    durationMs: performance.now() - startedAt,
    parts: results,
  };
}

async function connectWithin(
  name: string,
  timeoutMs: number,
  { engine, signal }: CleanupOptions,
): Promise<Engine> {
  const what = `remove Compose project ${name}`;
  try {
    return await withTimeout(connectEngine(engine), { what, timeoutMs, signal });
  } catch (error) {
    if (!isCastoffError(error, 'DEADLINE_EXCEEDED') || error === signal?.reason) throw error;
    const message = `${what}: the engine did not answer in ${formatDuration(timeoutMs)}`;
    throw new CastoffError('CLEANUP_FAILED', message, { cause: error });
  }
}

/**
 * Whether a project has a random name, which no other project can have.
 *
 * @see testcontainers, DockerComposeEnvironment: `testcontainers-${uuid}` by default
 */
export function hasGeneratedName(name: string): boolean {
  return /^testcontainers-[0-9a-f]{12}$/.test(name);
}
