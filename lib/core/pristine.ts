import type * as Http from 'node:http';

/**
 * Node.js modules and global functions as they were before any test ran. Tests replace both, by nock, msw,
 * fake timers and `jest.spyOn`. The build redirects every `import` of a core module, and every global listed
 * here, to this module, in castoff and in the packages that it inlines; call sites need not care.
 */
interface Pristine {
  readonly globals: PristineGlobals;
  /** Returns a copy of a core module; copies of the `captured` ones are made when castoff is first loaded. */
  readonly coreCopy: (name: string) => object;
  /** Runs `load`, which requires files, with the original functions of `fs`. */
  readonly loadUntouched: <T>(load: () => T) => T;
}

type Global = typeof globalThis;

/** Timers and clocks belong to the process; constructors such as `Date` belong to the realm. */
interface PristineGlobals {
  readonly setTimeout: Global['setTimeout'];
  readonly clearTimeout: Global['clearTimeout'];
  readonly setInterval: Global['setInterval'];
  readonly clearInterval: Global['clearInterval'];
  readonly setImmediate: Global['setImmediate'];
  readonly clearImmediate: Global['clearImmediate'];
  readonly queueMicrotask: Global['queueMicrotask'];
  readonly performance: { readonly now: () => number; readonly timeOrigin: number };
  readonly emitWarning: typeof process.emitWarning;
  readonly nextTick: typeof process.nextTick;
  readonly cwd: typeof process.cwd;
  readonly kill: typeof process.kill;
  readonly Date: Global['Date'];
  readonly dateNow: Global['Date']['now'];
  readonly JSON: Pick<Global['JSON'], 'parse' | 'stringify'>;
  readonly AbortController: Global['AbortController'];
  readonly AbortSignal: typeof AbortSignal;
  readonly anySignal: typeof AbortSignal.any;
}

const key: unique symbol = Symbol.for('castoff.pristine');
type Realm = Global & { [key]?: () => Pristine };

/**
 * Modules that tests often replace, and their dependencies. Without `tls`, which takes as long to load as all
 * of these.
 */
const captured = ['http', 'net', 'fs', 'fs/promises', 'child_process', 'timers/promises', 'os', 'crypto'];

const pristine = ((globalThis as Realm)[key] ??= hold(capture(globalThis, process)))();

export const { coreCopy, loadUntouched } = pristine;
export const {
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  setImmediate,
  clearImmediate,
  queueMicrotask,
  performance,
  emitWarning,
  nextTick,
  cwd,
  kill,
  Date,
  dateNow,
  JSON,
  AbortController,
  anySignal,
} = pristine.globals;

/**
 * Makes the captured modules and functions available in the sandbox of `realm`, before any test runs in it.
 */
export function handToSandbox(realm: object): void {
  const globals = { ...pristine.globals, ...globalsOfRealm(realm as Global, pristine.globals) };
  Object.defineProperty(realm, key, { value: hold({ ...pristine, globals }), configurable: true });
}

/** Wrapped in a function: at the end of a file, Jest deletes the properties of a sandbox's objects. */
function hold(held: Pristine): () => Pristine {
  return Object.freeze(() => held);
}

// Both are parameters: the build would redirect `process.emitWarning` in this file to this module, too.
function capture(realm: Global, node: NodeJS.Process): Pristine {
  const copies = new Map<string, object>();
  const copyOf = (name: string): object => {
    const copy = Object.create(null, Object.getOwnPropertyDescriptors(coreModule(name))) as object;
    copies.set(name, copy);
    return copy;
  };
  for (const name of captured) copyOf(name);
  Object.assign(copies.get('http') ?? {}, { request: ownRequest(coreModule('http') as typeof Http) });
  const { performance: clock } = realm;
  return {
    globals: {
      setTimeout: realm.setTimeout,
      clearTimeout: realm.clearTimeout,
      setInterval: realm.setInterval,
      clearInterval: realm.clearInterval,
      setImmediate: realm.setImmediate,
      clearImmediate: realm.clearImmediate,
      queueMicrotask: realm.queueMicrotask,
      performance: Object.freeze({ now: clock.now.bind(clock), timeOrigin: clock.timeOrigin }),
      emitWarning: node.emitWarning.bind(node),
      nextTick: node.nextTick.bind(node),
      cwd: node.cwd.bind(node),
      kill: node.kill.bind(node),
      ...globalsOfRealm(realm),
    },
    coreCopy: (name) => copies.get(name) ?? copyOf(name),
    loadUntouched: loaderWith(coreModule('fs')),
  };
}

/** Returns the module object itself, which tests modify; Jest's sandboxes share it. */
export function coreModule(name: string): object {
  return process.getBuiltinModule(`node:${name}`) as object;
}

/**
 * Returns Node's own function, even if nock or msw was loaded before castoff and has replaced it.
 *
 * @see Node.js, lib/http.js: `request` makes a ClientRequest of lib/_http_client.js
 */
function ownRequest(http: typeof Http): typeof Http.request {
  const text = Function.prototype.toString.call(http.request);
  if (/^function request\([^)]*\) \{\s*return new ClientRequest\(/.test(text)) return http.request;
  const client = coreModule('_http_client') as Pick<typeof Http, 'ClientRequest'> | undefined;
  const { ClientRequest } = client ?? http;
  return (...args: readonly unknown[]) => Reflect.construct(ClientRequest, args) as Http.ClientRequest;
}

type OfRealm = Pick<
  PristineGlobals,
  'Date' | 'dateNow' | 'JSON' | 'AbortController' | 'AbortSignal' | 'anySignal'
>;

/** @param outer - The functions of the process: most sandboxes share its `AbortSignal`. */
function globalsOfRealm(realm: Global, outer?: OfRealm): OfRealm {
  const { parse, stringify } = realm.JSON;
  const isShared = realm.AbortSignal === outer?.AbortSignal;
  return {
    Date: realm.Date,
    dateNow: realm.Date.now,
    JSON: Object.freeze({ parse, stringify }),
    AbortController: realm.AbortController,
    AbortSignal: realm.AbortSignal,
    anySignal: isShared ? outer.anySignal : realm.AbortSignal.any.bind(realm.AbortSignal),
  };
}

/** @see Node.js, lib/internal/modules/cjs/loader.js: reads the functions from `fs` on each call */
function loaderWith(fs: object): Pristine['loadUntouched'] {
  const names = ['readFileSync', 'realpathSync'] as const;
  const own = names.map((name) => Object.getOwnPropertyDescriptor(fs, name) as PropertyDescriptor);
  return (load) => {
    const theirs = names.map((name) => Object.getOwnPropertyDescriptor(fs, name) as PropertyDescriptor);
    if (theirs.every(({ value }, at) => value === own[at]?.value)) return load();
    names.forEach((name, at) => Object.defineProperty(fs, name, own[at] as PropertyDescriptor));
    try {
      return load();
    } finally {
      names.forEach((name, at) => Object.defineProperty(fs, name, theirs[at] as PropertyDescriptor));
    }
  };
}
