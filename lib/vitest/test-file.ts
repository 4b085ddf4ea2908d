import { relative, sep } from 'node:path';
import { CastoffError } from '../core/errors';
import { runInContext } from '../runner/current-context';
import { installBridge } from '../runner/install-bridge';
import { RunningFile } from '../runner/running-file';
import { FileContexts, type TestContext } from '../runner/test-context';
import { hideOwnFrames } from '../runner/test-errors';
import {
  exceededLimit,
  failTask,
  isFile,
  readTask,
  type VitestHook,
  type VitestHooks,
  type VitestSuite,
  type VitestTask,
  type VitestTest,
} from './user-vitest';

/** A running test file of Vitest. castoff's runner calls it as Vitest's events come. */
export class VitestFile extends RunningFile<VitestTask> {
  readonly #wrapped = new WeakSet<VitestHook>();
  /** Failures of tests that are expected to fail, which Vitest would drop. */
  readonly #failuresOfFailing = new Map<VitestTest, readonly Error[]>();

  constructor(root: string, path: string) {
    super(new FileContexts({ name: relative(root, path).split(sep).join('/'), path, read: readTask }));
  }

  /** Makes `castoff/vitest` work in the file. `realm`: the global object that it runs in. */
  exposeBridge(realm: typeof globalThis): void {
    if (realm !== globalThis) useSourceMapsOf(realm);
    installBridge(realm, this.attachedRun, refuse);
  }

  /** Makes every hook of a block run in the context of its test or block. Idempotent. */
  wrapHooks(suite: VitestSuite, hooks: VitestHooks): void {
    for (const [name, ofName] of Object.entries(hooks)) {
      ofName.forEach((hook, index) => {
        if (this.#wrapped.has(hook)) return;
        const wrapped = inContext(hook, (args) => this.#contextOfHook(name, suite, args));
        this.#wrapped.add(wrapped);
        ofName[index] = wrapped;
      });
    }
  }

  /** Starts an attempt of a test. */
  startAttempt(test: VitestTest): void {
    this.contexts.enter(test);
  }

  /** Runs the function of a test in its context, and records its duration. */
  async runTest(test: VitestTest, work: () => unknown): Promise<void> {
    const context = this.contexts.of(test);
    const startedAtMs = performance.now();
    await runInContext(context, work);
    this.recordDuration(context, performance.now() - startedAtMs);
  }

  /** Ends an attempt of a test: closes its scope, whose failures fail the attempt. */
  async endAttempt(test: VitestTest): Promise<void> {
    const context = this.contexts.leave(test);
    const hasFailed = test.result?.state === 'fail' && test.fails !== true;
    if (!this.recordEnd(context, { hasFailed })) return;
    if (hasFailed) await this.#explainFailure(context, test);
    const errors = await this.close(context);
    if (test.fails === true && errors.length > 0) this.#failuresOfFailing.set(test, errors);
    else failTask(test, errors);
  }

  /** Ends a test after its last attempt. */
  endTest(test: VitestTest): void {
    failTask(test, this.#failuresOfFailing.get(test) ?? []);
    this.#failuresOfFailing.delete(test);
  }

  /** Ends a block, or the hooks of the file. Resolves to whether that has failed it. */
  async endSuite(suite: VitestSuite): Promise<boolean> {
    const context = isFile(suite) ? this.contexts.file : this.contexts.leave(suite);
    if (!this.recordEnd(context, { hasFailed: suite.result?.state === 'fail' })) return false;
    suite.result?.errors?.forEach(hideOwnFrames);
    const errors = await this.close(context);
    failTask(suite, errors);
    return errors.length > 0;
  }

  async #explainFailure(context: TestContext, { result }: VitestTest): Promise<void> {
    result?.errors?.forEach(hideOwnFrames);
    // Errors of earlier attempts come first.
    const error = result?.errors?.at(-1);
    if (error === undefined) return;
    const limitMs = exceededLimit(error);
    const texts = [
      limitMs === undefined ? undefined : this.judgeTimeout(context, limitMs),
      await this.describeContainers(context),
    ];
    for (const text of texts) if (text !== undefined) error.message += `\n\n${text}`;
  }

  #contextOfHook(name: string, suite: VitestSuite, args: readonly unknown[]): TestContext {
    if (!name.endsWith('Each')) return this.contexts.of(suite);
    // `aroundEach` gets the function to call first.
    const { task } = Object(args.find((arg) => typeof arg === 'object')) as { readonly task?: VitestTest };
    return task === undefined ? this.contexts.current : this.contexts.of(task);
  }
}

/** Returns a hook with the same properties, which runs in a context, as does the cleanup that it returns. */
function inContext(hook: VitestHook, contextOf: (args: readonly unknown[]) => TestContext): VitestHook {
  return new Proxy(hook, {
    apply(target, self: unknown, args: readonly unknown[]) {
      const context = contextOf(args);
      return runInContext(context, async () => {
        const cleanup: unknown = await Reflect.apply(target, self, args);
        if (typeof cleanup !== 'function') return cleanup;
        return (...given: readonly unknown[]): unknown =>
          runInContext(context, () => Reflect.apply(cleanup, undefined, given) as unknown);
      });
    },
  });
}

/** Vitest 3 maps only the stacks of a context's own errors, and those of castoff are of the process. */
function useSourceMapsOf(realm: typeof globalThis): void {
  const prepareStackTrace: unknown = Reflect.get(realm.Error, 'prepareStackTrace');
  if (typeof prepareStackTrace === 'function') Object.assign(Error, { prepareStackTrace });
}

function refuse(): never {
  throw new CastoffError('CONFIG_INVALID', 'castoff/vitest: no run is open; start Vitest by `vitest`');
}
