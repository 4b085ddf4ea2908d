import { checkDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { waitAtMost } from '../core/patience';
import { callerSourceLine } from '../core/source-line';
import { sessionIdentity } from '../registry/session-identity';
import { cleanupOne } from '../resources/cleanup-one';
import type { RemovableKind } from '../engine/removable-kind';
import { idOfRef, type Ref } from '../resources/ref';
import { adoptThing } from './adopt';
import { CloseError, type CloseReport } from './close-report';
import { closeItems, type Item } from './close-items';
import { closedError, refusal } from './closed-error';
import { nameOf, requireDisposer, type Stoppable } from './dispose';
import type { CloseReason, Finalizer } from './finalizer';
import type { CloseOptions, ScopeOptions } from './scope-options';
import { ScopeSignal } from './scope-signal';
import { Start } from './start';
import { startElsewhere } from './start-elsewhere';
import {
  planStart,
  type ComposeStartable,
  type ImageBuilder,
  type Startable,
  type StartPlan,
} from './startable';
import { surroundingsIn, type Surroundings } from './surroundings';

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
  readonly #onClosed: (() => void) | undefined;
  #items: Item[] = [];
  #isClosed = false;
  #closing: Promise<CloseReport> | undefined;

  /** @internal */
  constructor(
    name: string,
    options: ScopeOptions,
    parent: { signal: ScopeSignal; onClosed: () => void } | undefined,
  ) {
    if (options.timeoutMs !== undefined) checkDuration('timeoutMs', options.timeoutMs);
    this.name = name;
    this.#options = options;
    this.#cleanupTimeoutMs = checkDuration('cleanupTimeoutMs', options.cleanupTimeoutMs ?? 30_000);
    this.#signal = new ScopeSignal({
      what: `scope ${name}`,
      timeoutMs: options.timeoutMs,
      signal: options.signal,
      parent: parent?.signal,
    });
    this.#onClosed = parent?.onClosed;
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
    if (typeof fn !== 'function')
      throw new CastoffError('CONFIG_INVALID', `scope.defer ${what}: got ${nameOf(fn)}; give a function`);
    const item: Item = { type: 'call', call: { what, source, run: fn } };
    if (!this.#isClosed) {
      this.#items.push(item);
      return;
    }
    // The error below is thrown in any case; a failure of `fn` is reported as a warning of the process.
    void this.#endLate(item).catch((error: unknown) => process.emitWarning(error as Error));
    throw closedError(this.name, `defer ${what}`);
  }

  /**
   * Ends `thing` when the scope closes, by the first of `[Symbol.asyncDispose]`, `[Symbol.dispose]`, `stop` and `close` that it
   * has; resolves to it.
   *
   * @throws CastoffError `CONFIG_INVALID` for a thing with none of these; `SCOPE_CLOSED` when the scope is closing or closed:
   * the thing is ended first.
   */
  async use<T extends Stoppable>(thing: T): Promise<T> {
    const source = callerSourceLine();
    const run = requireDisposer('scope.use', thing);
    const item: Item = { type: 'call', call: { what: nameOf(thing), source, run } };
    await this.#add(item, `use a ${nameOf(thing)}`);
    return thing;
  }

  /**
   * Starts a test container, module, `Network`, Compose environment or Dockerfile build, or anything else with `start()`, and
   * owns it: labelled and registered before it is created, removed and seen to be gone when the scope closes.
   *
   * @returns What `start()` (`up()`) resolves to.
   * @throws StartError `START_FAILED` when the start throws, or the scope's signal aborts: what was half made has been captured
   * and removed; the original error is the `cause`.
   * @throws CastoffError `SCOPE_CLOSED`, `CONFIG_INVALID`: nothing has been created.
   */
  start<S>(startable: Startable<S> | ComposeStartable<S> | ImageBuilder<S>): Promise<S>;
  async start(startable: unknown): Promise<unknown> {
    const source = callerSourceLine();
    const plan = planStart(startable);
    if (plan.kind !== 'image') return this.#start(plan, source);
    const definition = await this.#start(plan, source);
    return this.#start(planStart(definition), source);
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
    if (this.#isClosed) {
      const { engine } = this.#options;
      const ending = cleanupOne(kind, id, { engine, timeoutMs: this.#cleanupTimeoutMs });
      throw await refusal(this.name, `adopt ${kind} ${id}`, ending);
    }
    const what = `${kind} ${id}`;
    const adopting = adoptThing({ kind, id }, this.#surroundings(), source);
    const limits = { what: `adopt ${what}`, timeoutMs: this.#cleanupTimeoutMs };
    const item: Item = {
      type: 'thing',
      thing: { what, source, target: () => waitAtMost(adopting, limits) },
    };
    this.#items.push(item);
    try {
      await adopting;
    } catch (error) {
      this.#drop(item);
      throw error;
    }
  }

  /** Opens a scope inside this one: closing this one closes it, and it hears of this one's cancellation. */
  child(name: string, options: Omit<ScopeOptions, 'engine'> = {}): Scope {
    if (this.#isClosed) throw closedError(this.name, `open child ${name}`);
    const path = `${this.name}/${name}`;
    const { engine, test, cleanupTimeoutMs } = this.#options;
    const scope = new Scope(
      path,
      { engine, test, cleanupTimeoutMs, ...options },
      {
        signal: this.#signal,
        onClosed: () => this.#drop(item),
      },
    );
    const source = callerSourceLine();
    const item: Item = {
      type: 'call',
      call: { what: `scope ${path}`, source, run: () => scope.close(), hasOwnLimits: true },
    };
    this.#items.push(item);
    return scope;
  }

  /**
   * Ends everything in the scope, the last first, and waits for it; containers that stand together go in parallel. Closes
   * once: every caller gets the same.
   *
   * @throws CloseError `CLEANUP_FAILED` when something did not end well: every failure in `errors`, the report in `report`.
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    if (this.#closing !== undefined) return this.#closing;
    const reason = this.#signal.reason() ?? options.reason ?? 'done';
    const items = this.#items;
    this.#items = [];
    this.#isClosed = true;
    // Stored before anything runs that may close the scope too: whoever listens to its signal, and the finalizers.
    this.#closing = Promise.resolve()
      .then(() => this.#close(items, reason))
      .finally(() => this.#onClosed?.());
    this.#signal.close(reason, closedError(this.name, 'go on'));
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(items: readonly Item[], reason: CloseReason): Promise<CloseReport> {
    const startedAt = performance.now();
    const { registry } = sessionIdentity();
    const settings = { reason, registry, cleanupTimeoutMs: this.#cleanupTimeoutMs };
    const ends = items.length === 0 ? [] : await closeItems(items, settings);
    const report = { scope: this.name, reason, durationMs: performance.now() - startedAt, ends };
    if (ends.some((end) => end.error !== undefined)) throw new CloseError(report);
    return report;
  }

  async #start(plan: StartPlan, source: string | undefined): Promise<unknown> {
    if (this.#isClosed) throw closedError(this.name, `start ${plan.what}`);
    const { what, kind } = plan;
    if (kind === undefined) {
      const elsewhere = startElsewhere(plan, this.signal, source);
      this.#items.push({ type: 'call', call: { what, source, run: () => elsewhere.end() } });
      return elsewhere.started;
    }
    const start = new Start({ ...plan, kind }, this.#surroundings(), source);
    this.#items.push({ type: 'thing', thing: { what, source, target: () => start.target() } });
    return start.started;
  }

  #surroundings(): Surroundings {
    const { name: scope, signal } = this;
    const { test, engine: engineAddress } = this.#options;
    return surroundingsIn({ scope, test, signal, engineAddress, cleanupTimeoutMs: this.#cleanupTimeoutMs });
  }

  async #add(item: Item, what: string): Promise<void> {
    if (!this.#isClosed) {
      this.#items.push(item);
      return;
    }
    throw await refusal(this.name, what, this.#endLate(item));
  }

  /** Ends what comes too late, since it exists. */
  #endLate(item: Item): Promise<CloseReport> {
    return this.#close([item], this.#signal.reason() ?? 'done');
  }

  #drop(item: Item): void {
    this.#items = this.#items.filter((other) => other !== item);
  }
}
