import { CastoffError } from '../core/errors';
import type { AttachedRun } from './attached-run';
import type { Bridge } from './bridge';
import { openContextScope } from './context-scope';
import { currentContext } from './current-context';
import { TestContext } from './test-context';

/** Creates the bridge of the test files in this process: each call belongs to the context of its caller. */
export function createFileBridge(attachedRun: AttachedRun): Bridge {
  return {
    scope() {
      const context = currentContext();
      if (context instanceof TestContext) return openContextScope(context, attachedRun);
      const message =
        context === undefined
          ? 'used outside of a test file; use it in tests, hooks, or at file level'
          : `used in the factory of ${context.what}; use the scope that the factory receives`;
      throw new CastoffError('CONFIG_INVALID', `scope: ${message}`);
    },
    shared: (name, factory, options) => attachedRun.shared.shared(name, factory, options),
    sharedPerWorker: (name, factory, options) => attachedRun.shared.sharedPerWorker(name, factory, options),
  };
}
