import type { EntryState, RegistryEntry } from './entry';

const openStates: readonly EntryState[] = ['registered', 'present', 'cleaning', 'unknown'];

/** Whether the resource exists on the engine, or may. */
export function isOpen({ state }: Pick<RegistryEntry, 'state'>): boolean {
  return openStates.includes(state);
}
