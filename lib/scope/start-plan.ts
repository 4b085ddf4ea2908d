import type { Labels } from '../core/labels';
import type { ResourceKind } from '../core/kinds';

/** The labels, signal and callback that a scope passes to a start. */
export interface StartParameters {
  /** Put on the created container, so that a failed start can be rolled back. */
  readonly labels: Labels;
  /** When it aborts, steps that have not started yet are skipped. */
  readonly signal: AbortSignal;
  /** Called while a container that did not become ready still exists; never rejects. */
  readonly onUnready: (containerId: string) => Promise<void>;
}

/** How to start one kind of startable so that its resources carry castoff's labels or a known name. */
export interface StartPlan {
  /** The class of the startable: `PostgreSqlContainer`. */
  readonly what: string;
  /** `undefined`: it is not a resource on an engine, and only its own `stop` can end it. */
  readonly kind: ResourceKind | undefined;
  /** The future name of a network, image or Compose project, by which a failed start is rolled back. */
  readonly name?: string | undefined;
  start(parameters: StartParameters): Promise<unknown>;
}

/** An object with a method of that name. */
export type Method<Name extends string> = { readonly [K in Name]: (...args: readonly unknown[]) => unknown };
/** An object with `start()`. */
export type Starting = { start(): Promise<unknown> };

/** Whether a value is an object with a method of that name. */
export function hasMethod<Name extends string>(value: unknown, name: Name): value is Method<Name> & Starting {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'function';
}
