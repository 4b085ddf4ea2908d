import { ownershipLabels } from '../core/labels';
import type { EntryOwner } from '../registry/entry';
import type { Registry } from '../registry/registry';
import { sessionIdentity, type SessionIdentity } from '../registry/session-identity';

/** The parts of a scope that starts and adoptions use. */
export interface ScopeContext {
  /** The scope's name. */
  readonly scope: string;
  readonly registry: Registry;
  /** Aborts when the scope's work is cancelled; every start then stops. */
  readonly signal: AbortSignal;
  readonly engineAddress: string | undefined;
  readonly cleanupTimeoutMs: number;
  readonly owner: (source: string | undefined) => EntryOwner;
  /** Awaited before a resource is registered. */
  readonly ready: (() => Promise<void>) | undefined;
  readonly labels: (key: string, source: string | undefined) => Readonly<Record<string, string>>;
}

/** The settings of a scope that its context is built from. */
export interface ScopeContextOptions extends Pick<
  ScopeContext,
  'scope' | 'signal' | 'engineAddress' | 'cleanupTimeoutMs' | 'ready'
> {
  readonly test: string | undefined;
  readonly identity: Pick<SessionIdentity, 'owner' | 'worker'> | undefined;
}

/** Returns the context of a scope in this process, with the registry and the labels of its session. */
export function scopeContext({ scope, test, identity, ...options }: ScopeContextOptions): ScopeContext {
  const { id: session, registry, ...own } = sessionIdentity();
  const { owner, worker } = identity ?? own;
  return {
    ...options,
    scope,
    registry,
    owner: (source) => ({ scope, test, source }),
    labels: (start, source) =>
      ownershipLabels({ session, owner, scope, start, test, source, worker, createdAt: new Date() }),
  };
}
