import type { CloseSettings } from './close-options';
import type { ScopeItem } from './close-plan';
import type { CloseReason, FinalizerEnd } from './close-report';
import type { OwnedResource } from './owned-resource';

/** The argument of a finalizer. */
export interface Closing {
  readonly reason: CloseReason;
  /** Aborts when the finalizer's own timeout expires, not when the scope's work is cancelled. */
  readonly signal: AbortSignal;
}

/** Runs when its scope closes, which awaits the returned value. */
export type Finalizer = (closing: Closing) => unknown;

/** A function to run when the scope closes. */
export interface Call {
  readonly what: string;
  readonly source?: string | undefined;
  readonly run: Finalizer;
}

/** An item that enforces its own timeouts: a child scope, a task or a command. */
export interface Part {
  readonly what: string;
  readonly source?: string | undefined;
  close(settings: CloseSettings): Promise<unknown>;
  /** Added to the report once the part has closed. */
  readonly ended?: Pick<FinalizerEnd, 'task' | 'command'>;
}

/** An item of a scope: a function, a self-contained part or a resource. */
export type Item = ScopeItem<Call | Part, OwnedResource>;
