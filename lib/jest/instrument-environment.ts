import { relative, sep } from 'node:path';
import { runOutsideContexts } from '../runner/current-context';
import { isEnd, isFollowed, isFunctionEvent, isTimeoutEvent, type CircusState } from './circus';
import { TestFile } from './test-file';

/** The part of a Jest environment that castoff instruments. */
export interface JestEnvironment {
  readonly global: object;
  setup?: () => unknown;
  teardown?: () => unknown;
  handleTestEvent?: (event: { readonly name: string }, state: unknown) => unknown;
}

const instrumented = new WeakMap<JestEnvironment, TestFile>();

/** Instruments an environment before its setup. castoff starts before its own methods and ends after them. */
export function instrumentEnvironment(environment: JestEnvironment, testPath: string, rootDir: string): void {
  const file = instrumentEvents(environment, testPath, rootDir);
  if (file === undefined) return;
  const { setup } = environment;
  environment.setup = async () => {
    await file.start();
    await setup?.call(environment);
    file.exposeBridge(environment.global);
  };
}

/** Instruments an environment after its setup, unless that was done before. Resolves to its test file. */
export async function instrumentEnvironmentLate(
  environment: JestEnvironment,
  testPath: string,
  rootDir: string,
): Promise<TestFile | undefined> {
  const file = instrumentEvents(environment, testPath, rootDir);
  await file?.start();
  file?.exposeBridge(environment.global);
  return instrumented.get(environment);
}

function instrumentEvents(
  environment: JestEnvironment,
  testPath: string,
  rootDir: string,
): TestFile | undefined {
  if (instrumented.has(environment)) return undefined;
  const file = new TestFile(relative(rootDir, testPath).split(sep).join('/'), testPath);
  instrumented.set(environment, file);
  const { teardown, handleTestEvent } = environment;
  environment.teardown = async () => {
    try {
      // A runner other than castoff's has not reported them.
      await file.reportHandles();
      await teardown?.call(environment);
    } finally {
      await file.end();
    }
  };
  // Outside of the file's context: an environment closes in its teardown what its handler opens.
  const handle =
    handleTestEvent &&
    ((...args: Parameters<typeof handleTestEvent>) =>
      runOutsideContexts(() => handleTestEvent.apply(environment, args)));
  environment.handleTestEvent = (event, state) => {
    if (!isFollowed(event)) {
      if (isFunctionEvent(event)) file.measure(event);
      const original = () => handle?.(event, state);
      if (!isTimeoutEvent(event)) return original();
      return runBoth(() => file.explainTimeout(event, state as CircusState), original);
    }
    if (handle === undefined) return file.follow(event, state as CircusState);
    const original = () => handle(event, state);
    const added = () => file.follow(event, state as CircusState);
    return isEnd(event) ? runBoth(original, added) : runBoth(added, original);
  };
  return file;
}

async function runBoth(first: () => unknown, second: () => unknown): Promise<void> {
  try {
    await first();
  } finally {
    await second();
  }
}
