import { creationLabels } from '../core/labels';
import type { Creation } from './docker-command';
import type { Insertion } from './launch';

/** Returns the flags that put `labels` and those of this creation on what a command creates. */
export function labelFlags({ flagsAt, kind }: Creation, labels: Readonly<Record<string, string>>): Insertion {
  const args = Object.entries({ ...labels, ...creationLabels(kind) }).flatMap(([name, value]) => [
    '--label',
    `${name}=${value}`,
  ]);
  return { at: flagsAt, args };
}
