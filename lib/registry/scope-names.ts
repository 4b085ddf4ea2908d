import { labelValue } from '../core/label-value';
import { labelNames } from '../core/labels';

/** Returns the scope name of a fixture that the whole run shares. */
export function sharedScope(name: string): string {
  return `shared/${name}`;
}

/** Returns the scope name of a fixture that is created once per worker. */
export function perWorkerScope(name: string): string {
  return `worker/${name}`;
}

/** Whether a scope is one of a per-worker fixture. */
export function isPerWorker(scope: string): boolean {
  return scope.startsWith(perWorkerScope(''));
}

/** Returns the label, as `key=value`, of everything created in a scope. */
export function scopeLabel(scope: string): string {
  return `${labelNames.scope}=${labelValue(scope)}`;
}

/** The scope name of what the command of `castoff run` creates. */
export const commandScope = 'command';
