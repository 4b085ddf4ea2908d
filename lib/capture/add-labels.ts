import type { ClientRequest } from 'node:http';
import type { Fields } from '../core/fields';
import { creationLabels, labelNames, type Labels } from '../core/labels';
import { buildLabels, labelInstructions } from '../commands/label-flags';
import { nonceComment } from '../resources/ownership';
import type { CreateRequest } from './read-create-request';
import { labelsOfBody, labelsOfQuery, queryOf } from './request-labels';

/** Adds the labels of `owner` and of this creation to the request. Returns the body if that carries them. */
export function addLabels(
  request: ClientRequest,
  createRequest: CreateRequest,
  body: Fields,
  owner: Labels,
): string | undefined {
  const labels = { ...owner, ...creationLabels(createRequest.kind) };
  switch (createRequest.labelsGoInto) {
    case 'body':
      return addLabelsToBody(body, labels);
    case 'query':
      request.path = addLabelsToQuery(request.path, buildLabels(labels, Object.keys(createRequest.labels)));
      return undefined;
    case 'changes':
      request.path = markStep(addLabelsToChanges(request.path, labels), labels[labelNames.nonce] ?? '');
      return undefined;
  }
}

/** Adds the nonce to the history of an image without comment. @see Engine API, ImageCommit, ImageCreate */
function markStep(path: string, nonce: string): string {
  const parameter = path.includes('/commit') ? 'comment' : 'message';
  if (queryOf(path).get(parameter)) return path;
  return `${path}&${parameter}=${encodeURIComponent(nonceComment(nonce))}`;
}

/** Returns `body` as JSON with `labels` added to its own. */
export function addLabelsToBody(body: Fields, labels: Labels): string {
  return JSON.stringify({ ...body, Labels: { ...labelsOfBody(body), ...labels } });
}

/** Adds `labels` to those in the query of `path`, and leaves the rest of its spelling unchanged. */
export function addLabelsToQuery(path: string, labels: Labels): string {
  const [route = '', ...rest] = path.split('?');
  const others = rest
    .join('?')
    .split('&')
    .filter((part) => part !== '' && !/^labels(=|$)/.test(part));
  const all = encodeURIComponent(JSON.stringify({ ...labelsOfQuery(path), ...labels }));
  return `${route}?${[...others, `labels=${all}`].join('&')}`;
}

/**
 * Adds a `changes` parameter to `path` for each label, which sets it on the image.
 *
 * @see Engine API, ImageCommit and ImageCreate: `changes`, Dockerfile instructions
 */
export function addLabelsToChanges(path: string, labels: Labels): string {
  const changes = labelInstructions(labels).map((line) => `changes=${encodeURIComponent(line)}`);
  return `${path}${path.includes('?') ? '&' : '?'}${changes.join('&')}`;
}
