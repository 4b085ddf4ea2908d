// All that castoff reads of Vitest; the same in Vitest 3.2 and 4, unless noted.
import type { TestNode } from '../runner/test-context';

/** An error of a test, serialized. @see Vitest, `TestError` */
export interface TaskError {
  readonly name?: string | undefined;
  message: string;
  stack?: string | undefined;
  readonly cause?: TaskError | undefined;
}

/** @see Vitest, `TaskResult` */
export interface TaskResult {
  state: string;
  errors?: TaskError[] | undefined;
  /** Whether the test has skipped itself. */
  pending?: boolean | undefined;
}

interface Task {
  readonly id: string;
  readonly name: string;
  /** The block around it; `undefined` directly in the file. */
  readonly suite?: VitestSuite | undefined;
  readonly meta: object;
  result?: TaskResult | undefined;
}

/** A test. */
export interface VitestTest extends Task {
  readonly type: 'test';
  /** Whether it is expected to fail. */
  readonly fails?: boolean | undefined;
  onFinished?: TestHook[] | undefined;
  onFailed?: TestHook[] | undefined;
}

/** A `describe` block, or a file, which has a path. */
export interface VitestSuite extends Task {
  readonly type: 'suite';
  readonly filepath?: string | undefined;
}

export type VitestTask = VitestTest | VitestSuite;

type TestHook = (context: unknown) => unknown;

/** A hook, with settings as properties. It may return a function that cleans up. */
export type VitestHook = (...args: readonly unknown[]) => unknown;

/** The hooks of a block, by name: `beforeAll`, `afterEach`. */
export type VitestHooks = Readonly<Record<string, VitestHook[]>>;

/** The serialized config of a project. */
export interface WorkerConfig {
  readonly root: string;
  readonly pool?: string | undefined;
  readonly isolate?: boolean | undefined;
  /** Only in Vitest 3. */
  readonly poolOptions?: Readonly<Record<string, { readonly isolate?: boolean | undefined }>> | undefined;
  readonly sequence: { readonly hooks?: string | undefined };
}

/** A test runner in a worker. @see https://vitest.dev/api/advanced/runner */
export interface VitestRunner {
  readonly config: WorkerConfig;
  importFile: (path: string, source: string) => unknown;
  onBeforeCollect?: (paths: readonly string[]) => unknown;
  onBeforeRunSuite?: (suite: VitestSuite) => unknown;
  onAfterRunSuite?: (suite: VitestSuite) => unknown;
  onBeforeTryTask?: (test: VitestTest, attempt: unknown) => unknown;
  runTask?: (test: VitestTest) => unknown;
  onTaskFinished?: (test: VitestTest) => unknown;
  /** Only called by Vitest 4. */
  onAfterRetryTask?: (test: VitestTest, attempt: unknown) => unknown;
  onAfterRunTask?: (test: VitestTest) => unknown;
  onAfterRunFiles?: (files: readonly VitestSuite[]) => unknown;
  onCleanupWorkerContext?: (cleanup: () => unknown) => unknown;
  onTaskUpdate?: (tasks: readonly unknown[], events: readonly unknown[]) => unknown;
}

export type RunnerClass = new (config: WorkerConfig) => VitestRunner;

/** Functions of Vitest for its tasks. @see https://vitest.dev/api/advanced/runner */
export interface TaskFunctions {
  readonly getFn: (test: VitestTest) => () => unknown;
  /** `undefined` for a file that could not be loaded. */
  readonly getHooks: (suite: VitestSuite) => VitestHooks | undefined;
  readonly inject: (key: string) => unknown;
}

/** A project, in the main process. */
export interface VitestProject {
  readonly name: string;
  readonly config: {
    runner?: string | undefined;
    readonly browser?: { readonly enabled?: boolean | undefined } | undefined;
    readonly experimental?: { readonly viteModuleRunner?: boolean | undefined } | undefined;
  };
  provide(key: never, value: never): void;
}

/** Vitest, in the main process. */
export interface Vitest {
  readonly version: string;
  readonly mode: string;
  readonly projects: readonly VitestProject[];
  readonly config: {
    readonly root: string;
    readonly watch?: boolean | undefined;
    readonly silent?: boolean | string | undefined;
    readonly reporters: unknown[];
  };
  onClose(close: () => Promise<void>): void;
}

/** Reads a task; `undefined` for a file. */
export function readTask(task: VitestTask): TestNode<VitestSuite> | undefined {
  if (isFile(task)) return undefined;
  const { name: title, suite, type } = task;
  return { title, parent: suite, isTest: type === 'test' };
}

/** Returns whether a task is a file. */
export function isFile(task: VitestTask): boolean {
  return 'filepath' in task;
}

/** Returns whether each test file has a worker, or a context of its own. */
export function isIsolated({ pool = 'forks', isolate = true, poolOptions }: WorkerConfig): boolean {
  return pool.startsWith('vm') || (poolOptions?.[pool]?.isolate ?? isolate);
}

/** Returns the time limit of a test that exceeded it, in milliseconds. */
export function exceededLimit({ message }: TaskError): number | undefined {
  const [, limit] = /^Test timed out in (\d+)ms\./.exec(message) ?? [];
  return limit === undefined ? undefined : Number(limit);
}

/** Fails a task with `errors`, if there are any. */
export function failTask({ result }: VitestTask, errors: readonly Error[]): void {
  if (result === undefined || errors.length === 0) return;
  result.state = 'fail';
  result.pending = undefined;
  (result.errors ??= []).push(...errors.map((error) => serialize(error)));
}

function serialize({ name, message, stack, cause }: Error): TaskError {
  const hasCause = cause instanceof Error;
  return { name, message, stack, ...(hasCause ? { cause: serialize(cause) } : {}) };
}
