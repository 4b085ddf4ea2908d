import type { Bounds } from '../core/bounds';
import { cleanupOne, type CleanupOptions, type CleanupResult } from './cleanup-one';
import { cleanupProject } from './compose-project';
import type { Target } from './plan';
import type { RemovalRules } from './removal-rules';

/** A resource to clean up; for a Compose project, only the parts within `bounds`. */
export type BoundedTarget = Target & { readonly bounds?: Bounds | undefined };

/** Cleans up one resource of any kind, including a Compose project. */
export function cleanupResource(
  { kind, id, bounds }: BoundedTarget,
  options: CleanupOptions & RemovalRules,
): Promise<CleanupResult> {
  return kind === 'compose-project'
    ? cleanupProject(id, { ...options, bounds })
    : cleanupOne(kind, id, options);
}
