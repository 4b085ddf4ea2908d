import { checkDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import { withTimeout } from '../core/timeout';
import { timeouts } from '../core/timeouts';
import { explainTimeout, recordDuration } from '../durations/duration-history';
import type { Scope } from '../scope/scope';
import type { RunClient, SharedContainer } from '../session/run-client';
import { perWorkerScope, sharedScope } from '../registry/scope-names';
import type { SharedFactory, SharedOptions, SharedScope } from './bridge';
import {
  currentSharedFactory,
  currentTestFile,
  runInContext,
  type SharedFactoryContext,
} from './current-context';
import { loadLate } from './load-late';

const sharedOptionNames: OptionNames<SharedOptions> = { timeoutMs: true };

/** Shared resources: the first caller creates each, and every caller gets its value as JSON. */
export class SharedResources {
  readonly #client: RunClient;
  readonly #perWorker = new Map<string, Promise<string>>();
  /** By test file and shared resource: its containers that other processes created. */
  readonly #used = new Map<string, Map<string, readonly SharedContainer[]>>();

  constructor(client: RunClient) {
    this.#client = client;
  }

  /** @see Bridge.shared */
  async shared(name: string, factory: SharedFactory, options: SharedOptions): Promise<string> {
    const what = checkName('shared', name);
    const timeoutMs = checkRest(what, factory, options);
    const within = currentSharedFactory();
    checkCycle(what, within);
    const turn = await this.#client.awaitShared(name, { timeoutMs, within: within?.sharedName });
    this.#use(what, turn.type === 'there' ? turn.containers : []);
    if (turn.type === 'there') return turn.json;
    const { owner } = this.#client;
    const context: SharedFactoryContext = { what, scope: sharedScope(name), owner, sharedName: name, within };
    const [created] = await Promise.allSettled([this.#create(context, factory, timeoutMs)]);
    if (created.status === 'fulfilled') {
      await this.#client.settleShared(name, { json: created.value });
      return created.value;
    }
    const { serializeError } = loadLate.serializeError();
    // Rejects when the run has ended: no caller waits any more, and the factory's own error matters more.
    await Promise.allSettled([this.#client.settleShared(name, { error: serializeError(created.reason) })]);
    throw created.reason;
  }

  /** @see Bridge.sharedPerWorker */
  async sharedPerWorker(name: string, factory: SharedFactory, options: SharedOptions): Promise<string> {
    const what = checkName('sharedPerWorker', name);
    const timeoutMs = checkRest(what, factory, options);
    const within = currentSharedFactory();
    checkCycle(what, within);
    let creating = this.#perWorker.get(name);
    if (creating === undefined) {
      const { worker } = this.#client;
      const sharedName = within?.sharedName;
      creating = this.#create(
        { what, scope: perWorkerScope(name), worker, sharedName, within },
        factory,
        timeoutMs,
      );
      this.#perWorker.set(name, creating);
      // The next caller tries again.
      creating.catch(() => this.#perWorker.delete(name));
    }
    return withTimeout(creating, { what, timeoutMs });
  }

  /** Returns the shared resources that a test file uses, with their containers from other processes. */
  usedBy(file: string): ReadonlyMap<string, readonly SharedContainer[]> {
    return this.#used.get(file) ?? new Map();
  }

  #use(what: string, containers: readonly SharedContainer[] = []): void {
    const file = currentTestFile();
    if (file === undefined) return;
    const used = this.#used.get(file) ?? new Map<string, readonly SharedContainer[]>();
    this.#used.set(file, used.set(what, containers));
  }

  async #create(context: SharedFactoryContext, factory: SharedFactory, timeoutMs: number): Promise<string> {
    const { what, owner } = context;
    const { openScope } = loadLate.scope();
    const { requireJson } = loadLate.sharedValue();
    const scope = openScope(context.scope, {
      timeoutMs,
      ready: () => this.#client.ready(),
      identity: owner === undefined ? undefined : { owner, worker: undefined },
    });
    const startedAt = performance.now();
    const explain = (): string | undefined => explainTimeout(what, { limitMs: timeoutMs });
    try {
      const work = runInContext(context, async () => factory(limitToEngine(what, scope)));
      const value = await withTimeout(work, { what: `create ${what}`, timeoutMs, explain });
      recordDuration(what, performance.now() - startedAt);
      const json = requireJson(what, value);
      scope.detach();
      return json;
    } catch (error) {
      // A failed cleanup is recorded in the registry; the factory's own error matters more.
      await Promise.allSettled([scope.close({ reason: 'failed' })]);
      throw error;
    }
  }
}

/** Refuses options of `start`: the run kills shared resources, so a graceful stop could not be kept. */
function startWithoutOptions(what: string, scope: Scope): Scope['start'] {
  const start = scope.start.bind(scope);
  return (startable, options) => {
    if (options !== undefined && Object.keys(options).length > 0) {
      throw new CastoffError(
        'CONFIG_INVALID',
        `${what}: start takes no options in its scope, because the run kills shared resources when it ends; to stop one gracefully, use the global teardown`,
      );
    }
    return start(startable);
  };
}

// The scope outlives the process that opens it, so a finalizer would have no process to run in.
function limitToEngine(what: string, scope: Scope): SharedScope {
  const allowed: SharedScope = {
    get name() {
      return scope.name;
    },
    get signal() {
      return scope.signal;
    },
    start: startWithoutOptions(what, scope),
    adopt: scope.adopt.bind(scope),
  };
  return new Proxy(allowed, {
    get(target, key) {
      if (!(key in scope) || key in target) return Reflect.get(target, key);
      throw new CastoffError(
        'CONFIG_INVALID',
        `${what}: its scope has no ${String(key)}, because it outlives the process that opens it; use start and adopt`,
      );
    },
  });
}

function checkName(method: string, name: unknown): string {
  if (typeof name === 'string' && name !== '') return `${method} ${name}`;
  throw new CastoffError(
    'CONFIG_INVALID',
    `${method}: got the name ${JSON.stringify(name)}; give a non-empty string`,
  );
}

function checkRest(what: string, factory: unknown, options: SharedOptions): number {
  checkOptionNames(what, options, sharedOptionNames);
  if (typeof factory !== 'function')
    throw new CastoffError(
      'CONFIG_INVALID',
      `${what}: got a factory of type ${typeof factory}; give a function`,
    );
  return checkDuration('timeoutMs', options.timeoutMs ?? timeouts.sharedMs);
}

function checkCycle(what: string, within: SharedFactoryContext | undefined): void {
  const chain = [what];
  for (let outer = within; outer !== undefined; outer = outer.within) {
    chain.unshift(outer.what);
    if (outer.what !== what) continue;
    throw new CastoffError('CONFIG_INVALID', `${what}: its factory waits for itself: ${chain.join(' → ')}`);
  }
}
