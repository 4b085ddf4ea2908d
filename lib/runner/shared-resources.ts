import { checkDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import { withTimeout } from '../core/timeout';
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

const defaultTimeoutMs = 120_000;
const sharedOptionNames: OptionNames<SharedOptions> = { timeoutMs: true };

/** What tests share: made once, by whoever asks first, and handed out as JSON. */
export class SharedResources {
  readonly #link: RunClient;
  readonly #perWorker = new Map<string, Promise<string>>();
  /** By test file: what each shared thing that it has asked for has on the engine, as far as others made it. */
  readonly #used = new Map<string, Map<string, readonly SharedContainer[]>>();

  constructor(link: RunClient) {
    this.#link = link;
  }

  /** @see Bridge.shared */
  async shared(name: string, factory: SharedFactory, options: SharedOptions): Promise<string> {
    const what = checkName('shared', name);
    const timeoutMs = checkRest(what, factory, options);
    const within = currentSharedFactory();
    checkCycle(what, within);
    const turn = await this.#link.awaitShared(name, { timeoutMs, within: within?.sharedName });
    this.#use(what, turn.type === 'there' ? turn.containers : []);
    if (turn.type === 'there') return turn.json;
    const { owner } = this.#link;
    const making: SharedFactoryContext = { what, scope: sharedScope(name), owner, sharedName: name, within };
    const [made] = await Promise.allSettled([this.#make(making, factory, timeoutMs)]);
    if (made.status === 'fulfilled') {
      await this.#link.settleShared(name, { json: made.value });
      return made.value;
    }
    const { serializeError } = loadLate.serializeError();
    // Where the line is broken nobody waits any more; the factory's own error is the one to tell.
    await Promise.allSettled([this.#link.settleShared(name, { error: serializeError(made.reason) })]);
    throw made.reason;
  }

  /** @see Bridge.sharedPerWorker */
  async sharedPerWorker(name: string, factory: SharedFactory, options: SharedOptions): Promise<string> {
    const what = checkName('sharedPerWorker', name);
    const timeoutMs = checkRest(what, factory, options);
    const within = currentSharedFactory();
    checkCycle(what, within);
    let made = this.#perWorker.get(name);
    if (made === undefined) {
      const { worker } = this.#link;
      const sharedName = within?.sharedName;
      made = this.#make(
        { what, scope: perWorkerScope(name), worker, sharedName, within },
        factory,
        timeoutMs,
      );
      this.#perWorker.set(name, made);
      // The next to ask may try again.
      made.catch(() => this.#perWorker.delete(name));
    }
    return withTimeout(made, { what, timeoutMs });
  }

  /** The shared things that the tests of a file use, and their containers where another process made them. */
  usedBy(file: string): ReadonlyMap<string, readonly SharedContainer[]> {
    return this.#used.get(file) ?? new Map();
  }

  #use(what: string, containers: readonly SharedContainer[] = []): void {
    const file = currentTestFile();
    if (file === undefined) return;
    const used = this.#used.get(file) ?? new Map<string, readonly SharedContainer[]>();
    this.#used.set(file, used.set(what, containers));
  }

  async #make(making: SharedFactoryContext, factory: SharedFactory, timeoutMs: number): Promise<string> {
    const { what } = making;
    const { openScope } = loadLate.scope();
    const { requireJson } = loadLate.sharedValue();
    const { owner } = making;
    const scope = openScope(making.scope, {
      timeoutMs,
      ready: () => this.#link.ready(),
      identity: owner === undefined ? undefined : { owner, worker: undefined },
    });
    try {
      const work = runInContext(making, async () => factory(onlyOnEngine(what, scope)));
      const value = await withTimeout(work, { what: `make ${what}`, timeoutMs });
      const json = requireJson(what, value);
      scope.detach();
      return json;
    } catch (error) {
      // What is left in spite of this stands in the registry, with why; the error of the factory is the one to tell.
      await Promise.allSettled([scope.close({ reason: 'failed' })]);
      throw error;
    }
  }
}

/** The run removes it at its end, and kills it: a graceful stop would be promised in vain. */
function startWithout(what: string, scope: Scope): Scope['start'] {
  const start = scope.start.bind(scope);
  return (startable, options) => {
    if (options !== undefined && Object.keys(options).length > 0) {
      throw new CastoffError(
        'CONFIG_INVALID',
        `${what}: its scope's start takes no options, for the run kills what is shared at its end; stop it in the global teardown`,
      );
    }
    return start(startable);
  };
}

// It outlives the process that makes it: a function that is to run at its end would have nowhere to run.
function onlyOnEngine(what: string, scope: Scope): SharedScope {
  const allowed: SharedScope = {
    get name() {
      return scope.name;
    },
    get signal() {
      return scope.signal;
    },
    start: startWithout(what, scope),
    adopt: scope.adopt.bind(scope),
  };
  return new Proxy(allowed, {
    get(target, key) {
      if (!(key in scope) || key in target) return Reflect.get(target, key);
      throw new CastoffError(
        'CONFIG_INVALID',
        `${what}: its scope cannot ${String(key)}, for it outlives the process that makes it; start and adopt what is on the engine`,
      );
    },
  });
}

function checkName(how: string, name: unknown): string {
  if (typeof name === 'string' && name !== '') return `${how} ${name}`;
  throw new CastoffError('CONFIG_INVALID', `${how}: its name is ${JSON.stringify(name)}; give it one`);
}

function checkRest(what: string, factory: unknown, options: SharedOptions): number {
  checkOptionNames(what, options, sharedOptionNames);
  if (typeof factory !== 'function')
    throw new CastoffError(
      'CONFIG_INVALID',
      `${what}: got a ${typeof factory}; give a function that makes it`,
    );
  return checkDuration('timeoutMs', options.timeoutMs ?? defaultTimeoutMs);
}

function checkCycle(what: string, within: SharedFactoryContext | undefined): void {
  const chain = [what];
  for (let making = within; making !== undefined; making = making.within) {
    chain.unshift(making.what);
    if (making.what !== what) continue;
    throw new CastoffError('CONFIG_INVALID', `${what}: it waits for itself: ${chain.join(' → ')}`);
  }
}
