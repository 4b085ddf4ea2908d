import { displayName } from '../verdict/describe-record';
import type { RegistryEntry } from '../registry/entry';
import { isOpen } from '../registry/open-entry';

/** What of `entries` is there, or may be, in words. */
export function namesOfOpen(entries: readonly RegistryEntry[]): readonly string[] {
  const open = entries.filter((entry) => isOpen(entry));
  // What raw code created and then gave to a scope has two entries.
  return [...new Map(open.map((entry) => [entry.id ?? entry.key, displayName(entry)])).values()];
}
