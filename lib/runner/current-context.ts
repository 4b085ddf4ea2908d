import { AsyncLocalStorage } from 'node:async_hooks';
import { processWide } from '../core/global-state';
import type { Owner } from '../core/labels';
import type { Attribution } from '../capture/capture';
import { userLineIn } from '../capture/user-line';
import type { RunClient } from '../session/run-client';
import { FileContexts, TestContext } from './test-context';

/** Something shared, while its factory runs: what that creates is its own, wherever it was asked for. */
export interface SharedFactoryContext {
  /** Names it among all shared things: `shared postgres`. */
  readonly what: string;
  /** The name of its scope. */
  readonly scope: string;
  /** Whose what it creates is; `undefined`: this process's. */
  readonly owner?: Owner | undefined;
  readonly worker?: string | undefined;
  /** The shared thing of the whole run that it is, or is made for. */
  readonly sharedName?: string | undefined;
  /** What is being made by whoever asked for it. */
  readonly within?: SharedFactoryContext | undefined;
}

export type CurrentContext = TestContext | SharedFactoryContext;

interface Positions {
  /** `FileContexts`: code of that file, of which only the file is known; what a file does as it loads goes on when the next one runs. */
  readonly storage: AsyncLocalStorage<CurrentContext | FileContexts>;
  /** Errors that were made where the running test or hook was defined. */
  readonly definitions: AsyncLocalStorage<unknown>;
  /** Those of the test file that runs in this process. */
  places?: FileContexts | undefined;
}

const positions = (): Positions =>
  processWide('jest positions', (): Positions => ({
    storage: new AsyncLocalStorage(),
    definitions: new AsyncLocalStorage(),
  }));

/** Runs `work`, and all that follows from it, at that position. */
export function runInContext<T>(position: CurrentContext | FileContexts, work: () => T): T {
  return positions().storage.run(position, work);
}

/** Does the same for the function of a test or hook. */
export function runFunctionInContext<T>(position: CurrentContext, work: () => T, definedBy: unknown): T {
  const { storage, definitions } = positions();
  return storage.run(position, () => definitions.run(definedBy, work));
}

/** The line at which the test or hook that the calling code belongs to was defined. */
export function currentDefinition(): string | undefined {
  const { definitions } = positions();
  const definedBy = definitions.getStore();
  if (typeof definedBy !== 'object' || definedBy === null) return undefined;
  const stack: unknown = Reflect.get(definedBy, 'stack');
  return typeof stack === 'string' ? userLineIn(stack, currentTestFile()) : undefined;
}

/** Where the calling code is: where it was begun, else where the run of the test file is; `undefined`: in no test file. */
export function currentContext(): CurrentContext | undefined {
  const { storage, places } = positions();
  const held = storage.getStore() ?? places;
  return held instanceof FileContexts ? held.current : held;
}

/** The path of the test file that the calling code is part of, else of the one that runs in this process. */
export function currentTestFile(): string | undefined {
  const { storage, places } = positions();
  const held = storage.getStore();
  return held instanceof FileContexts ? held.path : places?.path;
}

/** What is being made for the calling code, if it is part of a factory. */
export function currentSharedFactory(): SharedFactoryContext | undefined {
  const position = positions().storage.getStore();
  return position instanceof TestContext || position instanceof FileContexts ? undefined : position;
}

/** Makes `places` those of the test file that runs now; returns what ends that. */
export function enterFile(places: FileContexts): () => void {
  const held = positions();
  held.places = places;
  return () => {
    if (held.places === places) held.places = undefined;
  };
}

/** Whose it is what the calling code creates in a process of that run. */
export function currentAttribution({ worker }: Pick<RunClient, 'worker'>): Attribution {
  const position = currentContext();
  if (position === undefined) return { scope: worker === undefined ? 'run' : `worker ${worker}`, worker };
  if (position instanceof TestContext)
    return { scope: position.name, test: position.test, worker, isOver: position.isLeft };
  const { scope, owner, worker: ownWorker } = position;
  return { scope, owner, worker: ownWorker };
}
