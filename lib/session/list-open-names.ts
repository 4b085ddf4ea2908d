import { displayName } from '../verdict/describe-record';
import { isOpen, type RegistryEntry } from '../registry/entry';

/** Returns the display names of the resources in `entries` that exist, or may exist. */
export function listOpenNames(entries: readonly RegistryEntry[]): readonly string[] {
  const open = entries.filter((entry) => isOpen(entry));
  // A resource that raw code created and a scope adopted has two entries.
  return [...new Map(open.map((entry) => [entry.id ?? entry.key, displayName(entry)])).values()];
}
