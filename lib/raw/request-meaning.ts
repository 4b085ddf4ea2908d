import type { RemovableKind } from '../engine/removable-kind';

/**
 * What a request asks an engine for, as far as it makes things or removes them. `labelsGoInto`: the body's `Labels`, the query's
 * `labels`, or the query's `changes`, as an instruction of a Dockerfile.
 */
export type RequestMeaning =
  | { readonly type: 'create'; readonly kind: RemovableKind; readonly labelsGoInto: LabelPlace }
  | { readonly type: 'remove'; readonly kind: RemovableKind; readonly ref: string };

export type LabelPlace = 'body' | 'query' | 'changes';

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
  if (!Object.hasOwn(creations, route)) return undefined;
  if (route === 'images/create' && !new URLSearchParams(query).has('fromSrc')) return undefined;
  return creations[route];
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
