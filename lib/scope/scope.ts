import { checkDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { checkOptionNames } from '../core/option-names';
import { callerSourceLine } from '../core/source-line';
import type { RemovableKind } from '../engine/removable-kind';
import { idOfRef, type Ref } from '../resources/ref';
import { adoptInto } from './adopt';
import type { Check } from './check';
import type { Item } from './close-items';
import type { CloseReport } from './close-report';
import { closedError } from './closed-error';
import { Command, type CommandOptions } from './command';
import { checkCommand } from './command-input';
import { ScopeItems } from './scope-items';
import { describeDisposable, requireDisposer, requireFunction, type Stoppable } from './dispose';
import type { Finalizer } from './finalizer';
import { closeOptionNames, scopeOptionNames, type CloseOptions, type ScopeOptions } from './scope-options';
import { ScopeSignal } from './scope-signal';
import { startInto } from './start-into';
import { checkStartOptions, type StartOptions } from './start-options';
import type { ComposeStartable, ImageBuilder, Startable } from './startable';
import { scopeContext, type ScopeContext } from './scope-context';
import { Task, taskOptionNames, type TaskOptions, type Work } from './task';

/**
 * Opens a scope: what is started in it, or given to it, ends when it closes, the last first.
 *
 * @param name - For people: stands in reports, in the registry and in the label `castoff.scope`. Default `scope`.
 * @throws CastoffError `CONFIG_INVALID` for a time that is none.
 */
export function openScope(name = 'scope', options: ScopeOptions = {}): Scope {
  return new Scope(name, options, undefined);
}

/** One lifetime inside a process: a test, a file, a block. */
export class Scope implements AsyncDisposable {
  readonly name: string;
  readonly #options: ScopeOptions;
  readonly #cleanupTimeoutMs: number;
  readonly #signal: ScopeSignal;
  readonly #contents: ScopeItems;

  /** @internal */
  constructor(
    name: string,
    options: ScopeOptions,
    parent: { signal: ScopeSignal; onClosed: () => void } | undefined,
  ) {
    checkOptionNames('openScope', options, scopeOptionNames);
    const { timeoutMs, signal } = options;
    if (timeoutMs !== undefined) checkDuration('timeoutMs', timeoutMs);
    this.name = name;
    this.#options = options;
    this.#cleanupTimeoutMs = checkDuration('cleanupTimeoutMs', options.cleanupTimeoutMs ?? 30_000);
    this.#signal = new ScopeSignal({ what: `scope ${name}`, timeoutMs, signal, parent: parent?.signal });
    this.#contents = new ScopeItems({
      scope: name,
      signal: this.#signal,
      cleanupTimeoutMs: this.#cleanupTimeoutMs,
      onClosed: parent?.onClosed,
    });
  }

  /** Aborts when the scope's work is to end: its time is out, its own or its parent's signal aborted, or it is closing. */
  get signal(): AbortSignal {
    return this.#signal.get();
  }

  /**
   * Runs `fn` when the scope closes; what was deferred last runs first. A failure of it is kept, and stops nothing else.
   *
   * @param what - For people: stands in the report, with the line of this call.
   * @throws CastoffError `SCOPE_CLOSED` when the scope is closing or closed; `fn` is run at once then, since what it ends exists.
   */
  defer(what: string, fn: Finalizer): void {
    const source = callerSourceLine();
    requireFunction(`scope.defer ${what}`, fn);
    const item: Item = { type: 'call', call: { what, source, run: fn } };
    if (!this.#contents.isClosed) return this.#contents.add(item);
    // The error below is thrown in any case; a failure of `fn` is reported as a warning of the process.
    void this.#contents.endLate(item).catch((error: unknown) => process.emitWarning(error as Error));
    throw closedError(this.name, `defer ${what}`);
  }

  /**
   * Ends `thing` when the scope closes, by the first that it has of `[Symbol.asyncDispose]`, `[Symbol.dispose]`,
   * `stop`, `quit`, `end`, `close`, `$disconnect`, `disconnect` and `destroy`; resolves to it.
   *
   * @throws CastoffError `CONFIG_INVALID` for a thing with none of these; `SCOPE_CLOSED` when the scope is closing or closed:
   * the thing is ended first.
   */
  async use<T extends Stoppable>(thing: T): Promise<T> {
    const source = callerSourceLine();
    const run = requireDisposer('scope.use', thing);
    const item: Item = { type: 'call', call: { what: describeDisposable(thing), source, run } };
    await this.#contents.addOrEnd(item, `use a ${describeDisposable(thing)}`);
    return thing;
  }

  /**
   * Starts a test container, module, `Network`, Compose environment or Dockerfile build, or anything else with `start()`, and
   * owns it: labelled and registered before it is created, removed and seen to be gone when the scope closes.
   *
   * @param options.stopTimeoutMs - Grace before SIGKILL when it ends, in milliseconds. Default 0: kill at once.
   * @param options.stopSignal - What asks it to end. Default: the image's own stop signal; with it, `stopTimeoutMs` is 10 000 by default.
   * @returns What `start()` (`up()`) resolves to.
   * @throws StartError `START_FAILED` when the start throws, or the scope's signal aborts: what was half made has been captured
   * and removed; the original error is the `cause`.
   * @throws CastoffError `SCOPE_CLOSED`, `CONFIG_INVALID`: nothing has been created.
   */
  start<S>(
    startable: Startable<S> | ComposeStartable<S> | ImageBuilder<S>,
    options?: StartOptions,
  ): Promise<S>;
  async start(startable: unknown, options: StartOptions = {}): Promise<unknown> {
    const source = callerSourceLine();
    checkStartOptions(options);
    return startInto(this.#contents, startable, this.#surroundings(), source, options);
  }

  /**
   * Takes ownership of something that others created: it is removed when the scope closes.
   *
   * @param kind - Default `container`.
   * @throws CastoffError `CONFIG_INVALID` for what has no id; `ENGINE_REFUSED` for what is not there; `SCOPE_CLOSED` when the
   * scope is closing or closed: the thing is removed first.
   */
  async adopt(ref: Ref, kind: RemovableKind = 'container'): Promise<void> {
    const source = callerSourceLine();
    const id = idOfRef(`scope.adopt a ${kind}`, ref);
    if (id === undefined)
      throw new CastoffError('CONFIG_INVALID', `scope.adopt a ${kind}: got nothing; give an id`);
    await adoptInto(this.#contents, { kind, id }, this.#surroundings(), source);
  }

  /**
   * Begins `work` in the background. Its signal is the scope's: it aborts as soon as the scope is cancelled or begins to close,
   * and the close waits for the task, in its turn. With `timeoutMs`, `await scope.spawn(…)` is start, wait and limit in one.
   *
   * A failure that nobody has awaited fails the close; that it was cancelled is none.
   *
   * @param name - For people: stands in the report, with the line of this call.
   * @throws CastoffError `SCOPE_CLOSED`, `CONFIG_INVALID`. The close: `TASK_STUCK` for a task that does not end within
   * `cleanupTimeoutMs` although its signal has aborted.
   */
  spawn<T>(name: string, work: Work<T>, options: TaskOptions = {}): Task<T> {
    const source = callerSourceLine();
    requireFunction(`scope.spawn ${name}`, work);
    checkOptionNames('scope.spawn', options, taskOptionNames);
    if (options.timeoutMs !== undefined) checkDuration('timeoutMs', options.timeoutMs);
    this.#contents.refuseLate(`spawn ${name}`);
    const task = new Task(name, work, { ...options, signal: this.signal, source });
    this.#contents.add({ type: 'call', call: task });
    return task;
  }

  /**
   * Runs a command as a child process, without a shell and without input. When the scope closes, all of its process group ends:
   * by SIGTERM, and by SIGKILL after `graceMs`; when the scope is cancelled, at once. On Windows, only the process itself.
   *
   * It does not outlive this process's exit, but goes on where a signal kills this process. A failure that nobody has awaited fails
   * the close.
   *
   * @throws CastoffError `SCOPE_CLOSED`, `CONFIG_INVALID`.
   */
  run(command: string, args: readonly string[] = [], options: CommandOptions = {}): Command {
    const source = callerSourceLine();
    checkCommand(command, args, options);
    this.#contents.refuseLate(`run ${command}`);
    const running = new Command({ ...options, command, args, scopeSignal: this.signal, source });
    this.#contents.add({ type: 'call', call: running });
    return running;
  }

  /**
   * Sees, when all in the scope has ended, that something is so; in the order in which it was asked for. Asks again for 2 s, since
   * a thing may be on its way; then the close fails, with these words and this line.
   *
   * @param check - `false`, or what it throws, says no.
   * @throws CastoffError `SCOPE_CLOSED`, `CONFIG_INVALID`.
   */
  verify(what: string, check: Check): void {
    const source = callerSourceLine();
    requireFunction(`scope.verify ${what}`, check);
    this.#contents.refuseLate(`verify ${what}`);
    this.#contents.addVerification({ what, source, check });
  }

  /** Opens a scope inside this one: closing this one closes it, and it hears of this one's cancellation. */
  child(name: string, options: Omit<ScopeOptions, 'engine'> = {}): Scope {
    checkOptionNames('openScope', options, scopeOptionNames);
    this.#contents.refuseLate(`open child ${name}`);
    const path = `${this.name}/${name}`;
    const { timeoutMs: _timeoutMs, signal: _signal, ...inherited } = this.#options;
    const scope = new Scope(
      path,
      { ...inherited, ...options },
      { signal: this.#signal, onClosed: () => this.#contents.drop(item) },
    );
    const source = callerSourceLine();
    const item: Item = {
      type: 'call',
      call: {
        what: `scope ${path}`,
        source,
        close: (closing) => scope.#contents.close(closing),
      },
    };
    this.#contents.add(item);
    return scope;
  }

  /**
   * Ends everything in the scope, the last first, and waits for it; containers that stand together go in parallel. Closes
   * once: every caller gets the same.
   *
   * @throws CloseError `CLEANUP_FAILED` when something did not end well: every failure in `errors`, the report in `report`.
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    checkOptionNames('scope.close', options, closeOptionNames);
    return this.#contents.close(options);
  }

  /**
   * Closes the scope without ending what is in it: that is somebody else's from now on.
   *
   * @throws CastoffError `CONFIG_INVALID` when something is in it that only this process can end; the scope stays open then.
   * @internal
   */
  leave(): void {
    this.#contents.leave();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #surroundings(): ScopeContext {
    const { name: scope, signal } = this;
    const { test, engine: engineAddress, identity, ready } = this.#options;
    const cleanupTimeoutMs = this.#cleanupTimeoutMs;
    return scopeContext({ scope, test, signal, engineAddress, cleanupTimeoutMs, identity, ready });
  }
}
