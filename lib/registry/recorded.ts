import type { RecordedResource } from '../resources/ownership';
import type { RegistryEntry } from './entry';
import type { Unfinished } from './unfinished';

/** The resources whose ids a registry knows: an image by its identity, since its name may come to mean another. */
export function recordedInRegistry(
  entries: readonly Pick<RegistryEntry, 'kind' | 'key' | 'id' | 'identity'>[],
): readonly RecordedResource[] {
  return entries.flatMap(({ kind, key, id, identity }) => {
    const known = kind === 'image' ? identity : id;
    return known === undefined ? [] : [{ kind, key, id: known }];
  });
}

/** The resources whose ids a journal has noted. */
export function recordedInJournal(unfinished: readonly Unfinished[]): readonly RecordedResource[] {
  return recordedInRegistry(unfinished.map(({ kind, key, present }) => ({ ...present, kind, key })));
}
