import type { Bounds } from '../core/bounds';
import { cleanupFailed } from '../core/errors';
import { composeProjectLabel } from '../core/labels';
import { timeouts } from '../core/timeouts';
import type { Engine } from '../engine/engine';
import { cleanupByLabel, type LabelCleanupOptions } from './cleanup-by-label';
import { cleanupOne, type CleanupResult, type CleanupSettings } from './cleanup-one';
import type { Target } from './kind';

/** Result of a project's cleanup: `id` is the project's name, `attempts` the sum over all parts. */
export interface ComposeProjectResult extends CleanupResult {
  /** Results of the parts, in the order in which they finished. */
  readonly parts: readonly CleanupResult[];
}

interface ProjectCleanupOptions
  extends CleanupSettings, Pick<LabelCleanupOptions, 'bounds' | 'check' | 'kinds'> {}

/**
 * Removes the parts of a Compose project within `bounds`, and verifies that none is left.
 *
 * @param options.timeoutMs - For the whole cleanup. Default 30 000.
 * @throws CastoffError `CLEANUP_FAILED` with every part's failure in `errors`; an error that `check` throws.
 */
export async function cleanupProject(
  engine: Engine,
  name: string,
  options: ProjectCleanupOptions = {},
): Promise<ComposeProjectResult> {
  const startedAt = performance.now();
  options.signal?.throwIfAborted();
  const { results, errors } = await cleanupByLabel(engine, [`${composeProjectLabel}=${name}`], {
    ...options,
    timeoutMs: options.timeoutMs ?? timeouts.cleanupMs,
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

/** A resource to clean up; for a Compose project, only the parts within `bounds`. */
export type BoundedTarget = Target & { readonly bounds?: Bounds | undefined };

/** Cleans up one resource of any kind, including a Compose project. */
export function cleanupResource(
  engine: Engine,
  { kind, id, bounds }: BoundedTarget,
  options: CleanupSettings = {},
): Promise<CleanupResult> {
  return kind === 'compose-project'
    ? cleanupProject(engine, id, { ...options, bounds })
    : cleanupOne(engine, kind, id, options);
}

/**
 * Whether a project has a random name, which no other project can have.
 *
 * @see testcontainers, DockerComposeEnvironment: `testcontainers-${uuid}` by default
 */
export function hasGeneratedName(name: string): boolean {
  return /^testcontainers-[0-9a-f]{12}$/.test(name);
}
