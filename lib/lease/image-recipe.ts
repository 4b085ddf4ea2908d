import { createHash } from 'node:crypto';
import type { ImageName } from '../engine/import-image';

/** Where things are in the reaper's image, also in the one of docker/reaper/Dockerfile. */
export const imagePaths = {
  node: '/usr/local/bin/node',
  program: '/castoff/reaper-server.js',
  licences: '/castoff/THIRD-PARTY-LICENSES-reaper.txt',
  binder: '/castoff/bind-then-run',
} as const;

/** On an image of ours: what it was made of. */
export const contentLabel = 'castoff.reaper.content';

/** The image of the castoff of `version`. */
export function reaperImageName(version: string): ImageName {
  return { repository: 'castoff/reaper', tag: version };
}

/** What the image is configured with, as lines of a Dockerfile. Without the binder Node listens itself, once it is up. */
export function imageConfig({ hasBinder }: { readonly hasBinder: boolean }): readonly string[] {
  const start = ['node', imagePaths.program];
  return [
    'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'LABEL org.testcontainers.ryuk=true',
    'LABEL castoff.reaper=true',
    'EXPOSE 8080',
    `ENTRYPOINT ${JSON.stringify(hasBinder ? [imagePaths.binder, ...start] : start)}`,
    // What the base would run takes no part.
    'CMD []',
  ];
}

/** The same for the same parts in the same order. */
export function digestOf(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  // Each by its own digest, so that no part can end in the next.
  for (const part of parts) hash.update(createHash('sha256').update(part).digest());
  return hash.digest('hex').slice(0, 16);
}
