import { AsyncLocalStorage } from 'node:async_hooks';
import { processWide } from '../core/global-state';
import type { Attribution } from '../capture/created-by';
import { userLineIn } from '../capture/user-line';
import type { RunClient } from '../session/run-client';
import { FileContexts, TestContext } from './test-context';

/** The running factory of a shared resource, which owns everything that the factory creates. */
export interface SharedFactoryContext extends Pick<Attribution, 'scope' | 'owner' | 'worker'> {
  /** Names the shared resource: `shared postgres`. */
  readonly what: string;
  /** Name of the run's shared resource that it creates, or creates a part of. */
  readonly sharedName?: string | undefined;
  /** The factory that asked for this one. */
  readonly within?: SharedFactoryContext | undefined;
}

/** Where the calling code runs: in a context of its test file, or in a factory. */
export type CurrentContext = TestContext | SharedFactoryContext;

interface ContextState {
  /** `FileContexts` for code whose file alone is known: what a file starts as it loads may outlast it. */
  readonly storage: AsyncLocalStorage<CurrentContext | FileContexts>;
  /** Errors created where the running test or hook was defined. */
  readonly definitions: AsyncLocalStorage<unknown>;
  /** Contexts of the test file that runs in this process. */
  file?: FileContexts | undefined;
}

const contextState = (): ContextState =>
  processWide('contexts', (): ContextState => ({
    storage: new AsyncLocalStorage(),
    definitions: new AsyncLocalStorage(),
  }));

/** Runs `work`, and everything it starts, in a context. Returns the result of `work`. */
export function runInContext<T>(context: CurrentContext | FileContexts, work: () => T): T {
  return contextState().storage.run(context, work);
}

/** Runs the function of a test or hook in a context. `definedBy` is an error from where it was defined. */
export function runFunctionInContext<T>(context: CurrentContext, work: () => T, definedBy: unknown): T {
  const { storage, definitions } = contextState();
  return storage.run(context, () => definitions.run(definedBy, work));
}

/** Returns the line that defines the test or hook around the calling code, if known. */
export function currentDefinition(): string | undefined {
  const { definitions } = contextState();
  return definitionLine(definitions.getStore());
}

/** Returns the line of an error that was created where a test or hook was defined. */
export function definitionLine(definedBy: unknown): string | undefined {
  if (typeof definedBy !== 'object' || definedBy === null) return undefined;
  const stack: unknown = Reflect.get(definedBy, 'stack');
  return typeof stack === 'string' ? userLineIn(stack, currentTestFile()) : undefined;
}

/** Returns the context that the calling code was started in, else that of the running test file, if any. */
export function currentContext(): CurrentContext | undefined {
  const { storage, file } = contextState();
  const context = storage.getStore() ?? file;
  return context instanceof FileContexts ? context.current : context;
}

/** Returns the path of the test file of the calling code, else of the one that runs in this process. */
export function currentTestFile(): string | undefined {
  const { storage, file } = contextState();
  const context = storage.getStore();
  return context instanceof FileContexts ? context.path : file?.path;
}

/**
 * Returns the context that started the calling code: that of a test or block, or the file for code that ran as
 * the file loaded. `undefined` for code of the runner, and in the factory of a shared resource.
 */
export function startingContext(): TestContext | undefined {
  const context = contextState().storage.getStore();
  if (context instanceof FileContexts) return context.file;
  return context instanceof TestContext ? context : undefined;
}

/** Runs `work` outside of all contexts. Returns its result. */
export function runOutsideContexts<T>(work: () => T): T {
  return contextState().storage.exit(work);
}

/** Returns the factory that the calling code belongs to, if any. */
export function currentSharedFactory(): SharedFactoryContext | undefined {
  const context = contextState().storage.getStore();
  return context instanceof TestContext || context instanceof FileContexts ? undefined : context;
}

/** Sets the test file that runs in this process. Returns a function that unsets it. */
export function enterFile(file: FileContexts): () => void {
  const state = contextState();
  state.file = file;
  return () => {
    if (state.file === file) state.file = undefined;
  };
}

/** Returns the scope, test and owner of resources that the calling code creates in a process of a run. */
export function currentAttribution({ worker }: Pick<RunClient, 'worker'>): Attribution {
  const context = currentContext();
  if (context === undefined) return { scope: worker === undefined ? 'run' : `worker ${worker}`, worker };
  if (context instanceof TestContext)
    return { scope: context.name, test: context.test, worker, isOver: context.isFileJudged };
  const { scope, owner, worker: factoryWorker } = context;
  return { scope, owner, worker: factoryWorker };
}
