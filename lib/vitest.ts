import { setMessageWithoutRun } from './runner/test-api';

setMessageWithoutRun(
  'castoff/vitest: used outside of a Vitest run with castoff; add castoff() from castoff/vitest/plugin to the plugins of vitest.config.ts',
);

export { defer, run, scope, shared, sharedPerWorker, spawn, verify } from './runner/test-api';
export type { SharedFactory, SharedOptions, SharedScope, TestScope as VitestScope } from './runner/test-api';
