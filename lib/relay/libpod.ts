import { labelsOfBody } from '../capture/request-labels';
import { routeOf } from '../capture/request-route';
import type { NamedVolume } from '../capture/named-volumes';
import type { CreateRequest } from '../capture/read-create-request';
import { isFields, type Fields } from '../core/fields';
import { creationLabels, type Labels } from '../core/labels';

/** The kinds whose libpod create requests have labels in their body. */
type LibpodKind = 'container' | 'network' | 'volume';

/** Returns the route of a request; for a call of Podman's own API, that of the corresponding one of Docker's. */
export function dockerRouteOf(path: string): string {
  return routeOf(path).replace(/^libpod\//, '');
}

/**
 * Returns what a request of Podman's own API creates. Not for images: `podman build` names its images.
 *
 * @see Podman 4.3 to 5.8, `POST /v4.3.1/libpod/containers/create`
 */
export function libpodKind(method: string, path: string): LibpodKind | undefined {
  const list = /^libpod\/(container|network|volume)s\/create$/.exec(routeOf(path))?.[1];
  return method === 'POST' ? (list as LibpodKind | undefined) : undefined;
}

/**
 * Parses the body of a libpod create request. Container: `{"name": …, "image": …, "labels": {…}, "remove": true,
 * "volumes": [{ "Name": "data", "Dest": "/data", "IsAnonymous": false }]}`.
 * Network: `{"name": …, "labels": {…}}`. Volume: `{"Name": …, "Label": {…}, "Labels": null}`.
 */
export function readLibpodRequest(kind: LibpodKind, body: Fields): CreateRequest {
  const name = body['name'] ?? body['Name'];
  const isNamed = typeof name === 'string' && name !== '';
  return {
    kind,
    labelsGoInto: 'body',
    labels: labelsOf(body),
    name: isNamed ? name : undefined,
    image: typeof body['image'] === 'string' ? body['image'] : undefined,
    hasFixedNameOrPort: kind === 'container' && isNamed,
    isAutoRemoved: body['remove'] === true,
    namedVolumes: kind === 'container' ? namedVolumesOf(body) : [],
  };
}

/** Returns the body with the labels of `owner` and of this creation added to its own. */
export function labelLibpodBody(kind: LibpodKind, body: Fields, owner: Labels): string {
  const labels = { ...labelsOf(body), ...owner, ...creationLabels(kind) };
  return JSON.stringify(kind === 'volume' ? { ...body, Label: labels, Labels: labels } : { ...body, labels });
}

function namedVolumesOf({ volumes }: Fields): readonly NamedVolume[] {
  const mounts: readonly unknown[] = Array.isArray(volumes) ? volumes : [];
  return mounts.flatMap((mount) => {
    if (!isFields(mount) || mount['IsAnonymous'] === true) return [];
    const name = mount['Name'];
    return typeof name === 'string' && name !== ''
      ? [{ name, driver: undefined, driverOptions: {}, labels: {} }]
      : [];
  });
}

function labelsOf(body: Fields): Labels {
  const { labels, Label } = body;
  return {
    ...(isFields(Label) && (Label as Labels)),
    ...labelsOfBody(body),
    ...(isFields(labels) && (labels as Labels)),
  };
}
