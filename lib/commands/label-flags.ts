import { creationLabels, labelNames, type Labels } from '../core/labels';
import { nonceComment, nonceOfBuild } from '../resources/ownership';
import type { Creation } from './command-meaning';
import type { Insertion } from './launch';

/** Returns the flags that put `labels` and those of this creation on what a command creates. */
export function labelFlags({ flagsAt, kind, ownLabels, changes }: Creation, labels: Labels): Insertion {
  const all = { ...labels, ...creationLabels(kind) };
  if (changes !== undefined) {
    const comment = nonceComment(all[labelNames.nonce] ?? '');
    const message = changes.hasMessage ? [] : ['--message', comment];
    return { at: flagsAt, args: [...labelInstructions(all).flatMap((one) => ['--change', one]), ...message] };
  }
  const entries = Object.entries(kind === 'image' ? buildLabels(all, ownLabels) : all);
  return { at: flagsAt, args: entries.flatMap(([name, value]) => ['--label', `${name}=${value}`]) };
}

/**
 * Returns the Dockerfile instructions that set `labels`, one for each: Podman 4.3 to 5.8 reads `LABEL a="x" b="y"`
 * as a single corrupt label.
 */
export function labelInstructions(labels: Labels): readonly string[] {
  return Object.entries(labels).map(([name, value]) => `LABEL ${name}=${quote(value)}`);
}

// A Dockerfile expands variables in double quotes, ends an instruction at a newline, escapes by backslash.
function quote(value: string): string {
  return `"${value.replaceAll(/[\\"$]/g, (special) => `\\${special}`).replaceAll(/\s+/g, ' ')}"`;
}

/**
 * Returns the labels of a build. Docker's classic builder creates a layer for each, which takes 50 ms or more
 * (BuildKit does not), so the scope, the time and the CI run are left out.
 *
 * @param own - Names of the labels that the build itself sets.
 */
export function buildLabels(labels: Labels, own: readonly string[]): Labels {
  const { scope, created, run, nonce } = labelNames;
  const leftOut: readonly string[] = [scope, created, run];
  const included = Object.fromEntries(Object.entries(labels).filter(([name]) => !leftOut.includes(name)));
  const names = [...new Set([...own, ...Object.keys(included)])];
  return { ...included, [nonce]: nonceOfBuild(labels[nonce] ?? '', names) };
}
