import { checkOptionNames } from '../core/option-names';
import type { RemovableKind } from '../engine/removable-kind';
import { cleanupOne, cleanupOptionNames, type CleanupOptions, type CleanupResult } from './cleanup-one';
import type { Ref } from './ref';

/**
 * Removes a container and its anonymous volumes, whatever state it is in, and sees that it is gone.
 *
 * Resolves to what happened: `removed` (by this call), `already-gone`, `removed-elsewhere` (somebody else's removal, seen to
 * its end) or `skipped` (nothing to do for null). Safe to call concurrently: all callers share one removal, and the options
 * of the first decide how it is done.
 *
 * @param ref - Id, name, dockerode container or started test container.
 * @param options.stopTimeoutMs - Grace before SIGKILL, in milliseconds. Default 0: kill at once.
 * @throws CleanupError `CLEANUP_FAILED` when it is still there at the deadline, or the engine refuses; carries the evidence.
 * @throws CastoffError `CONFIG_INVALID` for what is no container or no option; `ENGINE_UNREACHABLE` when there is no engine.
 * @see Engine API, ContainerDelete: 404, 409
 */
export function cleanupContainer(
  ref: Ref | null | undefined,
  options: CleanupOptions = {},
): Promise<CleanupResult> {
  return cleanup('container', ref, options);
}

/**
 * Removes a network and sees that it is gone; what still hangs on it is disconnected first. Otherwise as
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
 * Removes a volume and sees that it is gone, waiting while a container still uses it. Otherwise as {@link cleanupContainer}.
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
 * Takes a name off an image, and removes the image with its last name; waits while a container still uses it. Never forced:
 * other names and other people's containers keep their image. Otherwise as {@link cleanupContainer}.
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
