import type { Labels } from '../core/labels';
/**
 * Returns whether `labels` include all of `wanted`, each `key` or `key=value`, like the engine's own label
 * filter.
 */
export function carriesLabels(labels: Labels, wanted: readonly string[]): boolean {
  return wanted.every((label) => {
    const at = label.indexOf('=');
    return at === -1 ? label in labels : labels[label.slice(0, at)] === label.slice(at + 1);
  });
}
