import { ownershipLabels, type Labels } from '../core/labels';
import type { EntryOwner } from '../registry/entry';
import type { Registry } from '../registry/registry';
import { sessionIdentity } from '../registry/session-identity';
import type { ScopeOptions } from './scope-options';

/** A call of a scope that creates or adopts a resource: whose that is, and what limits the call. */
export interface ScopeContext {
  /** The line of the call: `file:line`. */
  readonly source: string | undefined;
  readonly owner: EntryOwner;
  readonly registry: Registry;
  /** Aborts when the scope's work is cancelled; every start then stops. */
  readonly signal: AbortSignal;
  readonly engineAddress: string | undefined;
  readonly cleanupTimeoutMs: number;
  /** Awaited before a resource is registered. */
  readonly ready: (() => Promise<void>) | undefined;
  readonly labels: (key: string) => Labels;
}

/** Returns the context of a call in this process, with the registry and the labels of its session. @internal */
export function scopeContext(
  scope: string,
  { test, engine: engineAddress, identity, ready }: ScopeOptions,
  call: Pick<ScopeContext, 'source' | 'signal' | 'cleanupTimeoutMs'>,
): ScopeContext {
  const { id: session, registry, ...own } = sessionIdentity();
  const creator = { ...(identity ?? own), scope, test, source: call.source };
  return {
    ...call,
    engineAddress,
    ready,
    registry,
    owner: { scope, test, source: call.source },
    labels: (start) => ownershipLabels({ ...creator, session, start, createdAt: new Date() }),
  };
}
