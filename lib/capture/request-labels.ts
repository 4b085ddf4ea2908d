import { isFields, parseFields, type Fields } from '../core/fields';

/** Returns the labels in the body of a create request. */
export function labelsOfBody(body: Fields): Record<string, string> {
  return isFields(body['Labels']) ? (body['Labels'] as Record<string, string>) : {};
}

/** Returns the labels of a build request. @see Engine API, ImageBuild: `labels`, a JSON map of strings */
export function labelsOfQuery(path: string): Record<string, string> {
  return (parseFields(queryOf(path).get('labels') ?? '') ?? {}) as Record<string, string>;
}

/** Returns the Dockerfile instructions of a commit or import, one per line. */
export function changesOf(path: string): readonly string[] {
  return queryOf(path)
    .getAll('changes')
    .flatMap((change) => change.split('\n'));
}

/** Parses the query of a request path. */
export function queryOf(path: string): URLSearchParams {
  return new URLSearchParams(path.split('?').slice(1).join('?'));
}
