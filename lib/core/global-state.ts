/** The state that all copies of castoff in a process share, by folder. */
type StateName =
  // lib/engine
  | 'agent mark'
  | 'engines'
  | 'engines with stable creation times'
  | 'inherited endpoint'
  // lib/resources
  | 'images'
  | 'inspections in flight'
  | 'removals in flight'
  // lib/registry
  | 'claims'
  | 'session'
  // lib/durations
  | 'durations'
  // lib/scope
  | 'activities'
  | 'engines that testcontainers uses'
  | 'process groups'
  | 'start contexts'
  | 'finalizers under way'
  | 'starts under way'
  | 'task creations'
  // lib/diagnosis
  | 'tracked objects'
  // lib/lease
  | 'leases'
  | 'printed warnings'
  // lib/session and lib/run
  | 'run'
  | 'joined runs'
  // lib/diagnosis
  | 'handle watch'
  | 'process snapshot'
  | 'running handle watches'
  // lib/runner
  | 'attached run'
  | 'connected sockets'
  | 'contexts'
  | 'exit watch'
  | 'functions that hang'
  | 'runner handle watch'
  | 'quiet run'
  | 'run variables'
  // lib/jest
  | 'jest hook files'
  | 'jest main run'
  | 'jest own hooks'
  | 'jest root config'
  // lib/vitest
  | 'vitest worker';

/**
 * Returns the state called `name`, created on first use. It exists once per global object, even when bundlers
 * or Jest's module registry load several copies of the package: two registries would contradict each other.
 */
export function processWide<T>(name: StateName, create: () => T): T {
  const states = statesOf(globalThis);
  if (!states.has(name)) states.set(name, create());
  return states.get(name) as T;
}

/** Makes copies of castoff in another realm, such as a sandbox of Jest, use this realm's state of that name. */
export function shareState(name: StateName, realm: object, state: unknown): void {
  statesOf(realm).set(name, state);
}

/** Makes copies of castoff in another realm add to this realm's set of that name, which may not exist yet. */
export function shareSet(name: StateName, realm: object): void {
  shareState(
    name,
    realm,
    processWide(name, () => new Set<unknown>()),
  );
}

function statesOf(realm: object): Map<string, unknown> {
  return ((realm as { [stateKey]?: Map<string, unknown> })[stateKey] ??= new Map<string, unknown>());
}

const stateKey: unique symbol = Symbol.for('castoff.state');
