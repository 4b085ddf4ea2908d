import { labelValue } from '../core/label-value';
import { labelNames } from '../core/labels';

/** The name of the scope of what a whole run shares. */
export function sharedScope(name: string): string {
  return `shared/${name}`;
}

/** The name of the scope of what is made once for each worker. */
export function perWorkerScope(name: string): string {
  return `worker/${name}`;
}

export function isPerWorker(scope: string): boolean {
  return scope.startsWith(perWorkerScope(''));
}

/** The label, with its value, of everything that is created in a scope. */
export function scopeLabel(scope: string): string {
  return `${labelNames.scope}=${labelValue(scope)}`;
}
