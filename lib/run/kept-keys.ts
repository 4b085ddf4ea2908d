import { recordedInRegistry } from '../registry/recorded';
import type { Leftovers } from './remove-leftovers';
import type { BoundedLabels } from '../core/bounds';
import { composeProjectLabel } from '../core/labels';
import type { RegistryEntry } from '../registry/entry';

/** What is left on purpose: the keys of entries, and of Compose projects, whose parts do not carry those, their label (`name=value`). */
export type KeptKeys = ReadonlySet<string>;

export function keptKeys(entries: readonly RegistryEntry[]): KeptKeys {
  const keys = entries.filter(({ state }) => state === 'kept').map(({ key }) => key);
  return new Set([...keys, ...keptProjects(entries).flatMap(({ labels }) => labels)]);
}

/** The Compose projects among it. */
export function keptProjects(entries: readonly RegistryEntry[]): readonly BoundedLabels[] {
  return entries
    .filter(({ state, kind }) => state === 'kept' && kind === 'compose-project')
    .map(({ id, name = id, bounds }) => ({ labels: [`${composeProjectLabel}=${name}`], bounds }));
}

/** The resources to remove for `claim` and `entries`, of a run that has `all`. */
export function leftoversOf(
  claim: BoundedLabels,
  entries: readonly RegistryEntry[],
  all: readonly RegistryEntry[],
): Leftovers {
  return { ...claim, entries, kept: keptKeys(all), recorded: recordedInRegistry(all) };
}
