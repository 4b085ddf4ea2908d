import type { Fields } from '../core/fields';
import { creationLabels, labelNames, type Labels } from '../core/labels';
import { buildLabels, labelInstructions } from '../commands/label-flags';
import { nonceComment } from '../resources/ownership';
import type { CreateRequest } from './read-create-request';
import { labelsOfBody, labelsOfQuery, queryOf } from './request-labels';

/** A create request with labels. */
interface LabelledRequest {
  readonly path: string;
  /** The new body, if that carries the labels. */
  readonly body?: string | undefined;
}

/** Returns the request for `path` with the labels of `owner` and of this creation. */
export function addLabels(
  createRequest: CreateRequest,
  path: string,
  body: Fields,
  owner: Labels,
): LabelledRequest {
  const labels = { ...owner, ...creationLabels(createRequest.kind) };
  switch (createRequest.labelsGoInto) {
    case 'body':
      return { path, body: addLabelsToBody(body, labels) };
    case 'query':
      return { path: addLabelsToQuery(path, buildLabels(labels, Object.keys(createRequest.labels))) };
    case 'changes':
      return { path: markStep(addLabelsToChanges(path, labels), labels[labelNames.nonce] ?? '') };
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
