import { ownershipLabels } from '../core/labels';
import type { EntryOwner } from '../registry/entry';
import type { Registry } from '../registry/registry';
import { sessionIdentity } from '../registry/session-identity';

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

/** What a scope tells of itself. */
export interface ScopeFacts extends Pick<Surroundings, 'signal' | 'engineAddress' | 'cleanupTimeoutMs'> {
  readonly scope: string;
  readonly test: string | undefined;
}

/** The surroundings of a start in that scope of this process. */
export function surroundingsIn({ scope, test, ...facts }: ScopeFacts): Surroundings {
  const { id: session, owner, registry } = sessionIdentity();
  return {
    ...facts,
    registry,
    owner: (source) => ({ scope, test, source }),
    labels: (start, source) =>
      ownershipLabels({ session, owner, scope, start, test, source, createdAt: new Date() }),
  };
}
