import { recordedIn, type RegistryEntry } from '../registry/entry';
import type { Leftovers } from './remove-leftovers';
import type { BoundedLabels } from '../core/bounds';
import { composeProjectLabel } from '../core/labels';

/** How long a reaper keeps the resources of failed tests, in milliseconds. */
export const retentionMs = 3_600_000;

/**
 * The kept resources: the keys of their entries, and the labels (`name=value`) of Compose projects, whose
 * parts carry no key.
 */
export type KeptKeys = ReadonlySet<string>;

/** Returns the keys of the entries that are kept. */
export function keptKeys(entries: readonly RegistryEntry[]): KeptKeys {
  const keys = entries.filter(({ state }) => state === 'kept').map(({ key }) => key);
  return new Set([...keys, ...keptProjects(entries).flatMap(({ labels }) => labels)]);
}

/** Returns the claims on the Compose projects that are kept. */
export function keptProjects(entries: readonly RegistryEntry[]): readonly BoundedLabels[] {
  return entries
    .filter(({ state, kind }) => state === 'kept' && kind === 'compose-project')
    .map(({ id, name = id, bounds }) => ({ labels: [`${composeProjectLabel}=${name}`], bounds }));
}

/** Returns the leftovers that `claim` and `entries` cover, in a run with the entries `all`. */
export function leftoversOf(
  claim: BoundedLabels,
  entries: readonly RegistryEntry[],
  all: readonly RegistryEntry[],
): Leftovers {
  return { ...claim, entries, kept: keptKeys(all), recorded: recordedIn(all) };
}
