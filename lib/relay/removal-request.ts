import { isFields, parseFields } from '../core/fields';
import { removableKinds, type RemovableKind } from '../core/kinds';
import { dockerRouteOf } from './libpod';
import { queryOf } from '../capture/request-labels';
import { meaningOfRequest, type RequestMeaning } from '../capture/request-meaning';
import { routeOf } from '../capture/request-route';

/** A request that ends or removes resources. */
export interface RemovalRequest {
  readonly method: string;
  readonly path: string;
  readonly meaning: RemovalMeaning;
}

/** What it ends or removes. `undefined` kind of a prune: the build cache. */
export type RemovalMeaning =
  | Exclude<RequestMeaning, { type: 'create' }>
  | { readonly type: 'prune'; readonly kind: RemovableKind | undefined }
  /** What `podman rmi` sends. `isAll`: whether it removes every image. */
  | { readonly type: 'remove-images'; readonly refs: readonly string[]; readonly isAll: boolean };

/**
 * Parses a request that ends or removes resources. Returns `undefined` for any other.
 *
 * @see Podman, ImageDeleteAllLibpod: `images`, `all`
 */
export function readRemoval(method: string, path: string): RemovalRequest | undefined {
  if (method === 'DELETE' && routeOf(path) === 'libpod/images/remove') {
    const query = queryOf(path);
    const isAll = !['', '0', 'false'].includes(query.get('all') ?? '');
    return { method, path, meaning: { type: 'remove-images', refs: query.getAll('images'), isAll } };
  }
  const route = dockerRouteOf(path);
  const list = method === 'POST' ? /^([a-z]+)\/prune$/.exec(route)?.[1] : undefined;
  if (list !== undefined) {
    const kind = removableKinds.find((one) => list === `${one}s`);
    return { method, path, meaning: { type: 'prune', kind } };
  }
  const meaning = meaningOfRequest(method, path, route);
  return meaning === undefined || meaning.type === 'create' ? undefined : { method, path, meaning };
}

/**
 * Returns the path of a prune that removes only resources with `label`, of those that `path` would remove.
 *
 * @param label - `<name>=<value>`.
 * @see Engine API, ContainerPrune: `filters`, `{"label": ["a=b"]}`, or `{"label": {"a=b": true}}` of older clients
 */
export function narrowPrune(path: string, label: string): string {
  const [route = '', query = ''] = path.split(/\?(.*)/s);
  const parameters = new URLSearchParams(query);
  const filters = parseFields(parameters.get('filters') ?? '') ?? {};
  const { label: labels } = filters;
  const all = isFields(labels)
    ? { ...labels, [label]: true }
    : [...(Array.isArray(labels) ? (labels as unknown[]) : []), label];
  parameters.set('filters', JSON.stringify({ ...filters, label: all }));
  return `${route}?${parameters.toString()}`;
}
