import { checkDuration, formatDuration } from '../core/durations';
import { CastoffError, isCastoffError } from '../core/errors';
import { composeProjectLabel } from '../core/labels';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import { withTimeout } from '../core/timeout';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import type { RemovableKind } from '../engine/removable-kind';
import { cleanupOptionNames, type CleanupOptions, type CleanupResult } from './cleanup-one';
import { cleanupByLabel, type LabelCleanupOptions } from './cleanup-by-label';
import { checkProjectFolder } from './project-folder';

/** `id` is the project's name; `attempts` counts the removals of all its parts. */
export interface ComposeProjectResult extends CleanupResult {
  /** What belonged to it, in the order in which it went. */
  readonly parts: readonly CleanupResult[];
}

export interface ComposeCleanupOptions extends CleanupOptions {
  /** Whether its volumes go with it, those with a name and those without. Default true. */
  readonly removeVolumes?: boolean | undefined;
  /**
   * The folder from which it was brought up: that of its first Compose file. Default: the one that `docker compose`, run in this process's
   * working directory, would bring it up from.
   */
  readonly workingDir?: string | undefined;
}

const optionNames: OptionNames<ComposeCleanupOptions> = { ...cleanupOptionNames, workingDir: true };

/**
 * Removes everything that carries a Compose project's label (containers, networks, volumes, images built for it) in that
 * order, and sees that nothing of it is left, also of what `docker compose` creates meanwhile. What is `external` stays.
 *
 * Resolves to the results of its parts; `already-gone` when nothing carries its label; `skipped` for null.
 *
 * @param name - The project's name, as `docker compose -p` or `withProjectName` give it.
 * @param options - As for {@link cleanupContainer}; `timeoutMs` bounds the whole.
 * @throws CastoffError `CLEANUP_FAILED` with every part's failure in `errors`; `CONFIG_INVALID` for what is no name, and for a project
 * that was brought up from another folder than `workingDir`, as its containers say: nothing is removed then.
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
      `clean up a Compose project: workingDir: got ${JSON.stringify(workingDir)}; give the folder of its first file`,
    );
  }
  const kinds: readonly RemovableKind[] | undefined =
    options.removeVolumes === false ? ['container', 'network', 'image'] : undefined;
  return cleanupProject(name, { ...settings, kinds, check: checkProjectFolder(name, workingDir) });
}

export interface ProjectCleanupOptions
  extends CleanupOptions, Pick<LabelCleanupOptions, 'bounds' | 'check' | 'kinds'> {}

/** As {@link cleanupComposeProject}, for the parts within `bounds`, from any folder. */
export async function cleanupProject(
  name: string,
  options: ProjectCleanupOptions = {},
): Promise<ComposeProjectResult> {
  const startedAt = performance.now();
  // @see Compose specification, "name": lower case letters, digits, dashes and underscores; older Compose allowed more
  if (typeof name !== 'string' || !/^[\w.-]+$/.test(name)) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `clean up a Compose project: got ${JSON.stringify(name)}; give its name`,
    );
  }
  const timeoutMs = checkDuration('timeoutMs', options.timeoutMs ?? 30_000);
  if (options.stopTimeoutMs !== undefined) checkDuration('stopTimeoutMs', options.stopTimeoutMs);
  options.signal?.throwIfAborted();
  const engine = await connectWithin(name, timeoutMs, options);
  const { results, errors } = await cleanupByLabel(engine, [`${composeProjectLabel}=${name}`], {
    ...options,
    timeoutMs,
  });
  if (errors.length > 0) {
    throw new CastoffError(
      'CLEANUP_FAILED',
      `remove Compose project ${name}: ${errors.length} of its parts are left\n${errors.map((error) => `  ${error.message}`).join('\n')}`,
      { cause: errors[0], errors },
    );
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
    const words = `the engine did not answer in ${formatDuration(timeoutMs)}`;
    throw new CastoffError('CLEANUP_FAILED', `${what}: ${words}`, { cause: error });
  }
}

/**
 * Whether a project has a name that was drawn for it: nobody else's is called so.
 *
 * @see testcontainers, DockerComposeEnvironment: `testcontainers-${uuid}` unless told otherwise
 */
export function hasGeneratedName(name: string): boolean {
  return /^testcontainers-[0-9a-f]{12}$/.test(name);
}
