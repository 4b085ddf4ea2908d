import { createHash } from 'node:crypto';
import { labelNames, ryukLabel } from '../core/labels';
import { packageVersion } from '../core/package-version';

/** The paths in the reaper's image; docker/reaper/Dockerfile uses the same. */
export const imagePaths = {
  node: '/usr/local/bin/node',
  program: '/castoff/reaper-server.js',
  licences: '/castoff/THIRD-PARTY-LICENSES-reaper.txt',
  binder: '/castoff/bind-then-run',
} as const;

/** The reaper's image for this version of castoff. */
export const reaperImage = `castoff/reaper:${packageVersion}`;

/**
 * Returns the image's configuration as lines of a Dockerfile. Without the binder, Node binds the port itself.
 */
export function imageConfig({ hasBinder }: { readonly hasBinder: boolean }): readonly string[] {
  const start = ['node', imagePaths.program];
  return [
    'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    `LABEL ${ryukLabel}=true`,
    `LABEL ${labelNames.reaper}=true`,
    'EXPOSE 8080',
    `ENTRYPOINT ${JSON.stringify(hasBinder ? [imagePaths.binder, ...start] : start)}`,
    // Resets the command of the base image.
    'CMD []',
  ];
}

/** Returns a digest of `parts` and their order, as 16 hex digits. */
export function digestOf(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  // Each part is hashed on its own, so that ['ab', 'c'] differs from ['a', 'bc'].
  for (const part of parts) hash.update(createHash('sha256').update(part).digest());
  return hash.digest('hex').slice(0, 16);
}
