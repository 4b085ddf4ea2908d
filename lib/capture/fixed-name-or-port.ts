/**
 * Whether a container takes a name or a host port that the next one may want. Without a name the engine makes one up, and testcontainers
 * gives none; port 0, or none, is any that is free.
 *
 * @param name - `name` of the query.
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

/** Whether the engine removes the container as it ends. */
export function isAutoRemoved(body: Readonly<Record<string, unknown>>): boolean {
  const host = body['HostConfig'];
  return isObject(host) && host['AutoRemove'] === true;
}

/** Whether a text names one port, or a range, and not any that is free. */
export function isFixedPort(port: unknown): boolean {
  return typeof port === 'string' && port !== '' && port !== '0';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
