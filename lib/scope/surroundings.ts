import type { EntryOwner } from '../registry/entry';
import type { Registry } from '../registry/registry';

/** What a start needs to know of the scope that it happens in. */
export interface Surroundings {
  readonly registry: Registry;
  /** Aborted: the scope's work is cancelled, and no start may go on. */
  readonly signal: AbortSignal;
  readonly engineAddress: string | undefined;
  readonly cleanupTimeoutMs: number;
  readonly owner: (source: string | undefined) => EntryOwner;
  readonly labels: (key: string, source: string | undefined) => Readonly<Record<string, string>>;
}
