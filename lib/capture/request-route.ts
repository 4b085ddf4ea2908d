/** Podman's own API also has versions such as `v5.0.0-dev`. */
const prefix = /^(?:\/v\d[\w.-]*)?\//;

/**
 * Returns the route of a request to an engine: its path without the API's version and without its query, such as
 * `containers/create`. The routes of Podman's own API start with `libpod/`.
 */
export function routeOf(path: string): string {
  const [route = ''] = path.split('?', 1);
  return route.replace(prefix, '');
}
