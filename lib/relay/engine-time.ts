import { queryOf } from '../capture/request-labels';
import { dockerRouteOf } from './libpod';

/** The calls that an account distinguishes. */
export type CallKind = 'pull' | 'build' | 'create' | 'start' | 'exec' | 'remove' | 'other';

/** How many calls of one kind were made, and how long the engine took for them in all. */
export interface EngineTime {
  readonly call: CallKind;
  readonly count: number;
  readonly totalMs: number;
}

const calls: readonly (readonly [method: string, route: RegExp, call: CallKind])[] = [
  ['POST', /^images\/(create|pull)$/, 'pull'],
  // BuildKit keeps its session open for the time of the build.
  ['POST', /^(build|session)$/, 'build'],
  ['POST', /^((containers|networks|volumes)\/create|commit)$/, 'create'],
  ['POST', /^containers\/[^/]+\/start$/, 'start'],
  ['POST', /^exec\/[^/]+\/start$/, 'exec'],
  ['POST', /^[a-z]+\/prune$/, 'remove'],
  ['DELETE', /^(containers|networks|volumes|images)\//, 'remove'],
];

/** Returns the kind of a call. */
export function callKind(method: string, path: string): CallKind {
  const route = dockerRouteOf(path);
  // An import, which takes no time of a registry.
  if (route === 'images/create' && queryOf(path).has('fromSrc')) return 'create';
  return calls.find(([one, pattern]) => one === method && pattern.test(route))?.[2] ?? 'other';
}

/** Whether the time of a call lasts until the end of its response; else until its head, as for logs and events. */
export function lastsUntilEnd(call: CallKind): boolean {
  return call === 'pull' || call === 'build' || call === 'create';
}

/** Adds up the time that an engine took. */
export class EngineAccount {
  readonly #times = new Map<CallKind, { count: number; totalMs: number }>();

  add(call: CallKind, ms: number): void {
    const { count, totalMs } = this.#times.get(call) ?? { count: 0, totalMs: 0 };
    this.#times.set(call, { count: count + 1, totalMs: totalMs + ms });
  }

  /** Returns the times of the kinds that occurred, the longest first. */
  list(): readonly EngineTime[] {
    return [...this.#times]
      .map(([call, time]) => ({ call, ...time }))
      .toSorted((one, other) => other.totalMs - one.totalMs);
  }
}
