import { isFixedPort } from '../commands/docker-command';

/**
 * Whether a create request gives its container a name or host port that the next container may need. Without
 * a name, as testcontainers sends it, the engine generates one; without a port, or with port 0, it takes any
 * free one.
 *
 * @param name - `name` in the query.
 * @param body - `HostConfig.PortBindings`: `{ "6379/tcp": [{ "HostIp": "", "HostPort": "6379" }] }`
 * @see Engine API, ContainerCreate
 */
export function hasFixedNameOrPort(name: string | null, body: Readonly<Record<string, unknown>>): boolean {
  if (name) return true;
  const host = body['HostConfig'];
  if (!isObject(host)) return false;
  if (host['NetworkMode'] === 'host') return true;
  const bindings = isObject(host['PortBindings']) ? Object.values(host['PortBindings']) : [];
  return bindings.flat().some((binding) => isObject(binding) && isFixedPort(binding['HostPort']));
}

/** Whether the engine removes the container when it exits. */
export function isAutoRemoved(body: Readonly<Record<string, unknown>>): boolean {
  const host = body['HostConfig'];
  return isObject(host) && host['AutoRemove'] === true;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
