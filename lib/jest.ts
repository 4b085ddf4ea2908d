import { setMessageWithoutRun } from './runner/test-api';

setMessageWithoutRun(
  "castoff/jest: used outside of a Jest run with castoff; add preset: 'castoff' to the Jest config, or wrap it in withCastoff from castoff/jest-preset",
);

export { defer, run, scope, shared, sharedPerWorker, spawn, verify } from './runner/test-api';
export type { SharedFactory, SharedOptions, SharedScope, TestScope as JestScope } from './runner/test-api';
