import { cleanupOne, type CleanupOptions, type CleanupResult } from './cleanup-one';
import { cleanupComposeProject } from './compose-project';
import type { Target } from './plan';

/** Cleans up one thing, of whichever kind it is. */
export function cleanupResource(target: Target, options: CleanupOptions): Promise<CleanupResult> {
  return target.kind === 'compose-project'
    ? cleanupComposeProject(target.id, options)
    : cleanupOne(target.kind, target.id, options);
}
