import type { BoundedLabels } from '../core/bounds';
import { composeProjectLabel } from '../core/labels';
import type { RegistryEntry } from '../registry/entry';

/** Returns the Compose project that a claim covers, and nothing else. */
export function projectOf({ labels }: BoundedLabels): string | undefined {
  const [label = ''] = labels;
  const prefix = `${composeProjectLabel}=`;
  return labels.length === 1 && label.startsWith(prefix) ? label.slice(prefix.length) : undefined;
}

/** Whether an entry names the claim's project: then it is removed with that entry. */
export function isNamed(claim: BoundedLabels, entries: readonly RegistryEntry[]): boolean {
  const project = projectOf(claim);
  return entries.some(
    ({ kind, id, name }) => kind === 'compose-project' && (id === project || name === project),
  );
}
