import { checkOptionNames } from '../core/option-names';
import type { RemovableKind } from '../engine/removable-kind';
import { cleanupOne, cleanupOptionNames, type CleanupOptions, type CleanupResult } from './cleanup-one';
import type { Ref } from './ref';

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
export function cleanupContainer(
  ref: Ref | null | undefined,
  options: CleanupOptions = {},
): Promise<CleanupResult> {
  return cleanup('container', ref, options);
}

/**
 * Removes a network and verifies that it is gone; disconnects attached containers first. Otherwise like
 * {@link cleanupContainer}.
 *
 * @see Engine API, NetworkDelete: 403 "has active endpoints"
 */
export function cleanupNetwork(
  ref: Ref | null | undefined,
  options: CleanupOptions = {},
): Promise<CleanupResult> {
  return cleanup('network', ref, options);
}

/**
 * Removes a volume and verifies that it is gone; waits while a container uses it. Otherwise like {@link
 * cleanupContainer}.
 *
 * @see Engine API, VolumeDelete: 409 "volume is in use"
 */
export function cleanupVolume(
  ref: Ref | null | undefined,
  options: CleanupOptions = {},
): Promise<CleanupResult> {
  return cleanup('volume', ref, options);
}

/**
 * Untags an image, and removes it with its last tag; waits while a container uses it. Never forced: other
 * tags and other users' containers keep their image. Otherwise like {@link cleanupContainer}.
 *
 * @see Engine API, ImageDelete: 409
 */
export function cleanupImage(
  ref: Ref | null | undefined,
  options: CleanupOptions = {},
): Promise<CleanupResult> {
  return cleanup('image', ref, options);
}

async function cleanup(
  kind: RemovableKind,
  ref: Ref | null | undefined,
  options: CleanupOptions,
): Promise<CleanupResult> {
  checkOptionNames(`clean up ${kind === 'image' ? 'an' : 'a'} ${kind}`, options, cleanupOptionNames);
  return cleanupOne(kind, ref, options);
}
