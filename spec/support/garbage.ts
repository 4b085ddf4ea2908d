import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { until } from './until';

export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Whether nothing holds the object. A collection may miss what code that was just compiled still refers to. */
export function isCollected(held: WeakRef<object>): Promise<boolean> {
  return until(() => {
    collectGarbage();
    return held.deref() === undefined;
  });
}
