import type { RemovableKind } from '../engine/removable-kind';

/**
 * What a request asks an engine for, as far as it creates, stops or removes resources. `labelsGoInto`: the body's `Labels`, the query's
 * `labels`, or the query's `changes`, as an instruction of a Dockerfile.
 */
export type RequestMeaning =
  | { readonly type: 'create'; readonly kind: RemovableKind; readonly labelsGoInto: LabelTarget }
  | { readonly type: 'remove'; readonly kind: RemovableKind; readonly ref: string }
  | { readonly type: 'kill'; readonly ref: string }
  /** `graceMs`: before the engine kills it; `undefined`: its own default. */
  | { readonly type: 'stop'; readonly ref: string; readonly graceMs?: number | undefined };

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

const kinds: Readonly<Record<string, RemovableKind>> = {
  containers: 'container',
  networks: 'network',
  volumes: 'volume',
  images: 'image',
};

/**
 * What `method` and `path` ask an engine for; `undefined`: something else, or no engine is meant. A pull is something else: what it
 * brings has its name from a registry, and is there to stay.
 *
 * @see Engine API, ContainerCreate, NetworkCreate, VolumeCreate, ImageBuild, ImageCreate, ImageCommit; ContainerDelete and its like
 */
export function meaningOfRequest(method: string, path: string): RequestMeaning | undefined {
  if (method !== 'POST' && method !== 'DELETE') return undefined;
  const { route, query } =
    /^(?:\/v\d+(?:\.\d+)?)?\/(?<route>[^?]+)(?:\?(?<query>.*))?$/.exec(path)?.groups ?? {};
  if (route === undefined) return undefined;
  if (method === 'DELETE') return removalOf(route);
  const ending = endingOf(route, new URLSearchParams(query));
  if (ending !== undefined) return ending;
  if (!Object.hasOwn(creations, route)) return undefined;
  if (route === 'images/create' && !new URLSearchParams(query).has('fromSrc')) return undefined;
  return creations[route];
}

/** @see Engine API, ContainerStop: `t` in seconds; ContainerKill */
function endingOf(route: string, query: URLSearchParams): RequestMeaning | undefined {
  const { ref, verb } = /^containers\/(?<ref>[^/]+)\/(?<verb>stop|kill)$/.exec(route)?.groups ?? {};
  if (ref === undefined) return undefined;
  if (verb === 'kill') return { type: 'kill', ref: decode(ref) };
  const seconds = Number(query.get('t') || Number.NaN);
  return { type: 'stop', ref: decode(ref), graceMs: seconds >= 0 ? seconds * 1_000 : undefined };
}

function removalOf(route: string): RequestMeaning | undefined {
  const { list = '', ref = '' } = /^(?<list>[a-z]+)\/(?<ref>.+)$/.exec(route)?.groups ?? {};
  const kind = Object.hasOwn(kinds, list) ? kinds[list] : undefined;
  // Only the names of images have slashes in them.
  if (kind === undefined || (ref.includes('/') && kind !== 'image')) return undefined;
  return { type: 'remove', kind, ref: decode(ref) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A URIError: the engine will not understand it either.
    return text;
  }
}
