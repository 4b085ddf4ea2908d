import type { RecordedResource } from '../resources/ownership';
import type { RegistryEntry } from './entry';
import type { Unfinished } from './unfinished';

/** Returns the resources whose ids a registry knows: images by identity, since their names may be reused. */
export function recordedInRegistry(
  entries: readonly Pick<RegistryEntry, 'kind' | 'key' | 'id' | 'identity'>[],
): readonly RecordedResource[] {
  return entries.flatMap(({ kind, key, id, identity }) => {
    const known = kind === 'image' ? identity : id;
    return known === undefined ? [] : [{ kind, key, id: known }];
  });
}

/** Returns the resources whose ids a journal has recorded. */
export function recordedInJournal(unfinished: readonly Unfinished[]): readonly RecordedResource[] {
  return recordedInRegistry(unfinished.map(({ kind, key, present }) => ({ ...present, kind, key })));
}
