import { checkDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { checkOptionNames } from '../core/option-names';
import { callerSourceLine } from '../core/source-line';
import { timeouts } from '../core/timeouts';
import type { ResourceKind } from '../core/kinds';
import { idOfRef, type Ref } from '../resources/ref';
import { adoptInScope } from './adopt';
import type { Check } from './check';
import type { Finalizer, Item, Part } from './item';
import type { CloseReport } from './close-report';
import type { Command } from './command';
import type { CommandOptions } from './command-options';
import { checkCommand } from './command-input';
import { ScopeItems } from './scope-items';
import { requireDisposer, requireFunction, typeNameOf, type Stoppable } from './dispose';
import { closeOptionNames, type CloseOptions } from './close-options';
import { checkScopeOptions, inheritedOptions, type ScopeOptions } from './scope-options';
import { runInScope } from './run-in-scope';
import { ScopeSignal } from './scope-signal';
import { startInScope } from './start-in-scope';
import { checkStartOptions, type StartOptions } from './start-options';
import type { ComposeStartable, ImageBuilder, Startable } from './startable';
import { scopeContext, type ScopeContext } from './scope-context';
import { Task, taskOptionNames, type TaskOptions, type Work } from './task';

/**
 * Opens a scope. Closing it ends everything that was started in it or added to it, in reverse order.
 *
 * @param name - Shown in reports, the registry and the label `castoff.scope`. Default `scope`.
 * @throws CastoffError `CONFIG_INVALID` for an invalid or unknown option.
 */
export function openScope(name = 'scope', options: ScopeOptions = {}): Scope {
  return new Scope(name, options, undefined);
}

/** One lifetime inside a process: a test, a file or a block. */
export class Scope implements AsyncDisposable {
  readonly name: string;
  readonly #options: ScopeOptions;
  readonly #signal: ScopeSignal;
  readonly #items: ScopeItems;

  /** @internal */
  constructor(
    name: string,
    options: ScopeOptions,
    parent: { signal: ScopeSignal; onClosed: () => void } | undefined,
  ) {
    checkScopeOptions(options);
    const { timeoutMs, signal, cleanupTimeoutMs = timeouts.cleanupMs, closeTimeoutMs } = options;
    this.name = name;
    this.#options = options;
    this.#signal = new ScopeSignal({ what: `scope ${name}`, timeoutMs, signal, parent: parent?.signal });
    const limits = { cleanupTimeoutMs, closeTimeoutMs };
    this.#items = new ScopeItems({
      scope: name,
      signal: this.#signal,
      ...limits,
      onClosed: parent?.onClosed,
    });
  }

  /** Aborts when the scope's timeout expires, its own or its parent's signal aborts, or it closes. */
  get signal(): AbortSignal {
    return this.#signal.get();
  }

  /**
   * Runs `fn` when the scope closes: last deferred, first run. A failure is reported and skips nothing else.
   *
   * @param what - Shown in the report, with the line of this call.
   * @throws CastoffError `SCOPE_CLOSED` when the scope is closing or closed; `fn` then runs at once, so that
   * its resource is still cleaned up.
   */
  defer(what: string, fn: Finalizer): void {
    const source = callerSourceLine();
    requireFunction(`scope.defer ${what}`, fn);
    const item: Item = { type: 'call', call: { what, source, run: fn } };
    if (!this.#items.isClosed) return this.#items.add(item);
    this.#items.disposeInBackground(item);
    throw this.#items.closedError(`defer ${what}`);
  }

  /**
   * Ends `disposable` when the scope closes, by the first method that it has of `[Symbol.asyncDispose]`,
   * `[Symbol.dispose]`, `stop`, `quit`, `end`, `close`, `$disconnect`, `disconnect` and `destroy`. Resolves
   * to it.
   *
   * @throws CastoffError `CONFIG_INVALID` when it has none of these methods; `SCOPE_CLOSED` when the scope is
   * closing or closed, after `disposable` has been ended.
   */
  async use<T extends Stoppable>(disposable: T): Promise<T> {
    const source = callerSourceLine();
    const run = requireDisposer('scope.use', disposable);
    const call = { what: typeNameOf(disposable), source, run };
    const item: Item = { type: 'call', call };
    if (this.#items.isClosed)
      throw await this.#items.closedErrorAfter(`use a ${call.what}`, this.#items.disposeNow(item));
    this.#items.add(item);
    return disposable;
  }

  /**
   * Starts a test container, module, `Network`, Compose environment or Dockerfile build, or any object with
   * `start()`. Labels and registers it first; when the scope closes, removes it and verifies the removal.
   *
   * @param options.stopTimeoutMs - Grace before SIGKILL, in milliseconds. Default 0; 10 000 with
   * `stopSignal`.
   * @param options.stopSignal - The signal that stops it. Default: the image's stop signal.
   * @returns The result of its `start()` (`up()`).
   * @throws StartError `START_FAILED` when the start fails or the scope's signal aborts, after partly created
   * resources have been captured and removed; `cause` is the original error.
   * @throws CastoffError `SCOPE_CLOSED`, `CONFIG_INVALID`: nothing was created.
   */
  start<S>(
    startable: Startable<S> | ComposeStartable<S> | ImageBuilder<S>,
    options?: StartOptions,
  ): Promise<S>;
  async start(startable: unknown, options: StartOptions = {}): Promise<unknown> {
    const source = callerSourceLine();
    checkStartOptions(options);
    return startInScope(this.#items, startable, this.#context(source), options);
  }

  /**
   * Takes ownership of an existing resource: the scope removes it when it closes. A Compose project is given by
   * its name, and removed with the parts that it gets later.
   *
   * @param kind - Default `container`.
   * @throws CastoffError `CONFIG_INVALID` for a reference without an id; `ENGINE_REFUSED` when the resource
   * does not exist; `SCOPE_CLOSED` when the scope is closing or closed, after the resource has been removed.
   */
  async adopt(ref: Ref, kind: ResourceKind = 'container'): Promise<void> {
    const source = callerSourceLine();
    const id = idOfRef(`scope.adopt a ${kind}`, ref);
    if (id === undefined)
      throw new CastoffError('CONFIG_INVALID', `scope.adopt a ${kind}: got nothing; give an id`);
    await adoptInScope(this.#items, { kind, id }, this.#context(source));
  }

  /**
   * Starts `work` in the background. Its signal aborts when the scope is cancelled or starts to close, and
   * the close waits for it in turn; it fails with the failure of the task, unless the task was awaited.
   *
   * @param name - Shown in the report, with the line of this call.
   * @throws CastoffError `SCOPE_CLOSED`, `CONFIG_INVALID`. The close fails with `TASK_STUCK` when the task is
   * still running `cleanupTimeoutMs` after its signal aborted.
   */
  spawn<T>(name: string, work: Work<T>, options: TaskOptions = {}): Task<T> {
    const source = callerSourceLine();
    requireFunction(`scope.spawn ${name}`, work);
    checkOptionNames('scope.spawn', options, taskOptionNames);
    if (options.timeoutMs !== undefined) checkDuration('timeoutMs', options.timeoutMs);
    this.#items.assertOpen(`spawn ${name}`);
    const task = new Task(name, work, { ...options, signal: this.signal, scope: this.name, source });
    this.#items.add({ type: 'call', call: task });
    return task;
  }

  /**
   * Runs a command as a child process, without a shell and without input. Closing the scope stops its whole
   * process group by SIGTERM, then by SIGKILL after `graceMs`; cancelling the scope does so at once. On
   * Windows, only the process itself is stopped. The option `ready` defines when its promise `ready` resolves.
   *
   * The command is killed when this process exits; after a signal has killed this process, by a reaper or the
   * next sweep. The close fails with the command's failure, unless the command was awaited. A `docker`, `podman` or Compose command
   * starts once what it will create is registered; the scope owns that, and removes it after the command.
   *
   * @throws CastoffError `SCOPE_CLOSED`, `CONFIG_INVALID`.
   */
  run(command: string, args: readonly string[] = [], options: CommandOptions = {}): Command {
    const source = callerSourceLine();
    checkCommand(command, args, options);
    this.#items.assertOpen(`run ${command}`);
    return runInScope(this.#items, { ...options, command, args }, this.#context(source));
  }

  /**
   * Runs `check` after everything in the scope has been cleaned up, in the order of the `verify` calls.
   * Retries it for 2 s; then the close fails, with `what` and the line of this call.
   *
   * @param check - Fails when it returns `false` or throws.
   * @throws CastoffError `SCOPE_CLOSED`, `CONFIG_INVALID`.
   */
  verify(what: string, check: Check): void {
    const source = callerSourceLine();
    requireFunction(`scope.verify ${what}`, check);
    this.#items.assertOpen(`verify ${what}`);
    this.#items.addVerification({ what, source, check });
  }

  /**
   * Opens a child scope, which closes and is cancelled with this one.
   *
   * @param name - Appended to this scope's name: `parent/name`.
   * @throws CastoffError `SCOPE_CLOSED`, `CONFIG_INVALID`.
   */
  child(name: string, options: Omit<ScopeOptions, 'engine'> = {}): Scope {
    const source = callerSourceLine();
    checkScopeOptions(options);
    this.#items.assertOpen(`open child ${name}`);
    const path = `${this.name}/${name}`;
    const parent = { signal: this.#signal, onClosed: () => this.#items.drop(item) };
    const scope = new Scope(path, { ...inheritedOptions(this.#options), ...options }, parent);
    const call: Part = { what: `scope ${path}`, source, close: (settings) => scope.#items.close(settings) };
    const item: Item = { type: 'call', call };
    this.#items.add(item);
    return scope;
  }

  /**
   * Ends everything in the scope in reverse order; neighbouring resources are removed in parallel. Resolves
   * when all of it has ended. All callers share one close.
   *
   * @throws CloseError `CLEANUP_FAILED` when an item failed; `errors` has every failure, `report` every
   * outcome.
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    checkOptionNames('scope.close', options, closeOptionNames);
    return this.#items.close(options);
  }

  /**
   * Closes the scope without removing its resources, which another owner takes over.
   *
   * @throws CastoffError `CONFIG_INVALID` when an item exists only in this process; the scope then stays
   * open.
   * @internal
   */
  detach(): void {
    this.#items.detach();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #context(source: string | undefined): ScopeContext {
    const { cleanupTimeoutMs = timeouts.cleanupMs } = this.#options;
    const call = { source, signal: this.signal, cleanupTimeoutMs };
    return scopeContext(this.name, this.#options, call);
  }
}
