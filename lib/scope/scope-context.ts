import { ownershipLabels } from '../core/labels';
import type { EntryOwner } from '../registry/entry';
import type { Registry } from '../registry/registry';
import { sessionIdentity } from '../registry/session-identity';
import type { ScopeOptions } from './scope-options';

/** What a start needs to know of the scope that it happens in. */
export interface ScopeContext {
  /** The scope's name. */
  readonly scope: string;
  readonly registry: Registry;
  /** Aborted: the scope's work is cancelled, and no start may go on. */
  readonly signal: AbortSignal;
  readonly engineAddress: string | undefined;
  readonly cleanupTimeoutMs: number;
  readonly owner: (source: string | undefined) => EntryOwner;
  /** Awaited before anything is registered. */
  readonly ready: (() => Promise<void>) | undefined;
  readonly labels: (key: string, source: string | undefined) => Readonly<Record<string, string>>;
}

/** What a scope tells of itself. */
export interface ScopeFacts extends Pick<
  ScopeContext,
  'scope' | 'signal' | 'engineAddress' | 'cleanupTimeoutMs' | 'ready'
> {
  readonly test: string | undefined;
  readonly identity: ScopeOptions['identity'];
}

/** The surroundings of a start in that scope of this process. */
export function scopeContext({ scope, test, identity, ...facts }: ScopeFacts): ScopeContext {
  const { id: session, registry, ...own } = sessionIdentity();
  const { owner, worker } = identity ?? own;
  return {
    ...facts,
    scope,
    registry,
    owner: (source) => ({ scope, test, source }),
    labels: (start, source) =>
      ownershipLabels({ session, owner, scope, start, test, source, worker, createdAt: new Date() }),
  };
}
