import { removableKinds, type RemovableKind } from '../core/kinds';
import { queryOf } from './request-labels';
import { routeOf } from './request-route';

/** The effect of an engine request that creates, stops or removes a resource. */
export type RequestMeaning =
  | { readonly type: 'create'; readonly kind: RemovableKind; readonly labelsGoInto: LabelTarget }
  | { readonly type: 'remove'; readonly kind: RemovableKind; readonly ref: string }
  | { readonly type: 'kill'; readonly ref: string }
  /** `graceMs`: the time before the engine kills it. Default: the engine's. */
  | { readonly type: 'stop'; readonly ref: string; readonly graceMs?: number | undefined };

/** Where a create request has labels: `Labels` in the body, `labels` or Dockerfile `changes` in the query. */
export type LabelTarget = 'body' | 'query' | 'changes';

type Creation = Extract<RequestMeaning, { type: 'create' }>;

const creations: Readonly<Record<string, Creation>> = {
  'containers/create': { type: 'create', kind: 'container', labelsGoInto: 'body' },
  'networks/create': { type: 'create', kind: 'network', labelsGoInto: 'body' },
  'volumes/create': { type: 'create', kind: 'volume', labelsGoInto: 'body' },
  build: { type: 'create', kind: 'image', labelsGoInto: 'query' },
  'images/create': { type: 'create', kind: 'image', labelsGoInto: 'changes' },
  commit: { type: 'create', kind: 'image', labelsGoInto: 'changes' },
};

/**
 * Parses a request to an engine. Returns `undefined` for requests that neither create, stop nor remove a
 * resource. A pull does not count as creation: the image has its name from a registry, and stays.
 *
 * @param route - The corresponding route of Docker's API. Default: that of `path`.
 * @see Engine API, ContainerCreate, NetworkCreate, VolumeCreate, ImageBuild, ImageCreate, ImageCommit;
 * ContainerDelete, NetworkDelete, VolumeDelete, ImageDelete
 */
export function meaningOfRequest(
  method: string,
  path: string,
  route = routeOf(path),
): RequestMeaning | undefined {
  if (method !== 'POST' && method !== 'DELETE') return undefined;
  if (method === 'DELETE') return removalOf(route);
  const teardown = teardownOf(route, path);
  if (teardown !== undefined) return teardown;
  if (!Object.hasOwn(creations, route)) return undefined;
  if (route === 'images/create' && !queryOf(path).has('fromSrc')) return undefined;
  return creations[route];
}

/** @see Engine API, ContainerStop: `t` in seconds; ContainerKill */
function teardownOf(route: string, path: string): RequestMeaning | undefined {
  const { ref, verb } = /^containers\/(?<ref>[^/]+)\/(?<verb>stop|kill)$/.exec(route)?.groups ?? {};
  if (ref === undefined) return undefined;
  if (verb === 'kill') return { type: 'kill', ref: decode(ref) };
  const seconds = Number(queryOf(path).get('t') || Number.NaN);
  return { type: 'stop', ref: decode(ref), graceMs: seconds >= 0 ? seconds * 1_000 : undefined };
}

function removalOf(route: string): RequestMeaning | undefined {
  const { list = '', ref = '' } = /^(?<list>[a-z]+)\/(?<ref>.+)$/.exec(route)?.groups ?? {};
  const kind = removableKinds.find((one) => list === `${one}s`);
  // Only image names contain slashes.
  if (kind === undefined || (ref.includes('/') && kind !== 'image')) return undefined;
  return { type: 'remove', kind, ref: decode(ref) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // URIError: the engine rejects it too.
    return text;
  }
}
