import { isFields, type Fields } from '../core/fields';
import type { Labels } from '../core/labels';
import { isFixedPort } from '../commands/docker-command';
import type { RemovableKind } from '../core/kinds';
import type { RegistryEntry } from '../registry/entry';
import { labelsOfBody, labelsOfQuery, queryOf } from './request-labels';
import { readNamedVolumes, type NamedVolume } from './named-volumes';
import type { LabelTarget, RequestMeaning } from './request-meaning';

/** The resource that a create request describes. */
export interface CreateRequest extends Pick<RegistryEntry, 'name' | 'image'> {
  readonly kind: RemovableKind;
  /** Where labels can be added. */
  readonly labelsGoInto: LabelTarget;
  readonly labels: Labels;
  /** Whether it is a container with a name or host port that the next one may need. */
  readonly hasFixedNameOrPort: boolean;
  /** Whether the engine removes it when it exits. */
  readonly isAutoRemoved: boolean;
  /** The volumes that it mounts by name, if it is a container. */
  readonly namedVolumes: readonly NamedVolume[];
}

type Creation = Extract<RequestMeaning, { type: 'create' }>;

/** Parses a create request. Only a request whose labels go into the body needs `body`. */
export function readCreateRequest(creation: Creation, path: string, body: Fields): CreateRequest {
  const { kind, labelsGoInto } = creation;
  const query = queryOf(path);
  const defaults = {
    kind,
    labelsGoInto,
    labels: {},
    hasFixedNameOrPort: false,
    isAutoRemoved: false,
    namedVolumes: [],
  };
  if (labelsGoInto === 'query')
    return { ...defaults, labels: labelsOfQuery(path), name: query.get('t') ?? undefined };
  if (labelsGoInto === 'changes')
    return { ...defaults, name: imageName(query.get('repo'), query.get('tag')) };
  const name = kind === 'container' ? query.get('name') : body['Name'];
  const image = kind === 'container' ? body['Image'] : undefined;
  return {
    ...defaults,
    labels: labelsOfBody(body),
    name: typeof name === 'string' && name !== '' ? name.replace(/^\//, '') : undefined,
    image: typeof image === 'string' ? image : undefined,
    hasFixedNameOrPort: kind === 'container' && hasFixedNameOrPort(query.get('name'), body),
    isAutoRemoved: kind === 'container' && isAutoRemoved(body),
    namedVolumes: kind === 'container' ? readNamedVolumes(body) : [],
  };
}

function imageName(repository: string | null, tag: string | null): string | undefined {
  if (!repository) return undefined;
  return tag ? `${repository}:${tag}` : repository;
}

/**
 * Whether a create request gives its container a name or host port that the next container may need. Without
 * a name, as testcontainers sends it, the engine generates one; without a port, or with port 0, it takes any
 * free one.
 *
 * @param body - `HostConfig.PortBindings`: `{ "6379/tcp": [{ "HostIp": "", "HostPort": "6379" }] }`
 * @see Engine API, ContainerCreate
 */
function hasFixedNameOrPort(name: string | null, body: Fields): boolean {
  if (name) return true;
  const host = body['HostConfig'];
  if (!isFields(host)) return false;
  if (host['NetworkMode'] === 'host') return true;
  const bindings = isFields(host['PortBindings']) ? Object.values(host['PortBindings']) : [];
  return bindings.flat().some((binding) => isFields(binding) && isFixedPort(binding['HostPort']));
}

function isAutoRemoved(body: Fields): boolean {
  const host = body['HostConfig'];
  return isFields(host) && host['AutoRemove'] === true;
}
