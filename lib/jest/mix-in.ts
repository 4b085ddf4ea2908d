import { relative, sep } from 'node:path';
import { isEnd, isFollowed, type CircusState } from './circus';
import { TestFile } from './test-file';

/** What castoff needs of an environment of Jest, whatever it is otherwise. */
export interface JestEnvironment {
  readonly global: object;
  setup?: () => unknown;
  teardown?: () => unknown;
  handleTestEvent?: (event: { readonly name: string }, state: unknown) => unknown;
}

const mixedIn = new WeakMap<JestEnvironment, TestFile>();

/**
 * Mixes castoff into an environment that has not been set up yet. What it does by itself goes on: it comes before castoff where
 * something ends, and after it where something begins.
 */
export function instrumentEnvironment(environment: JestEnvironment, testPath: string, rootDir: string): void {
  const file = mixInEvents(environment, testPath, rootDir);
  if (file === undefined) return;
  const { setup } = environment;
  environment.setup = async () => {
    await file.begin();
    await setup?.call(environment);
    file.letIn(environment.global);
  };
}

/** Does the same for one that has been set up already, where that is still to be done. Resolves to the test file in it. */
export async function instrumentEnvironmentLate(
  environment: JestEnvironment,
  testPath: string,
  rootDir: string,
): Promise<TestFile | undefined> {
  const file = mixInEvents(environment, testPath, rootDir);
  await file?.begin();
  file?.letIn(environment.global);
  return mixedIn.get(environment);
}

function mixInEvents(environment: JestEnvironment, testPath: string, rootDir: string): TestFile | undefined {
  if (mixedIn.has(environment)) return undefined;
  const file = new TestFile(relative(rootDir, testPath).split(sep).join('/'), testPath);
  mixedIn.set(environment, file);
  const { teardown, handleTestEvent } = environment;
  environment.teardown = async () => {
    try {
      await teardown?.call(environment);
    } finally {
      await file.end();
    }
  };
  environment.handleTestEvent = (event, state) => {
    if (!isFollowed(event)) return handleTestEvent?.call(environment, event, state);
    if (handleTestEvent === undefined) return file.follow(event, state as CircusState);
    const theirs = () => handleTestEvent.call(environment, event, state);
    const ours = () => file.follow(event, state as CircusState);
    return isEnd(event) ? bothInTurn(theirs, ours) : bothInTurn(ours, theirs);
  };
  return file;
}

/** The second comes whatever becomes of the first. */
async function bothInTurn(first: () => unknown, second: () => unknown): Promise<void> {
  try {
    await first();
  } finally {
    await second();
  }
}
