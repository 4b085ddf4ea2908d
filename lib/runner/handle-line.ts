import { basename, sep } from 'node:path';
import { userLineIn } from '../capture/user-line';
import { mapStack } from '../core/source-maps';

/**
 * Returns the user's line in a stack, as `file:line`: preferably of the running test file, or of the source that
 * it was compiled from; `undefined` if the stack has none.
 */
export function handleLineIn(stack: string, testFile: string | undefined): string | undefined {
  // Runners map the stacks of test files themselves.
  if (testFile === undefined) return userLineIn(mapStack(stack));
  const isCompiled = testFile.endsWith('js') && !stack.includes(`${testFile}:`);
  return userLineIn(stack, isCompiled ? sep + basename(testFile).replace(/js$/, 'ts') : testFile);
}
