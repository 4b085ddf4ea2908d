/** Parses the body of a request. Returns `undefined` unless it is a JSON object. */
export function parseBody(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    // SyntaxError: the engine rejects the request.
    return undefined;
  }
}

/** Returns the labels in the body of a create request. */
export function labelsOfBody(body: Readonly<Record<string, unknown>>): Record<string, string> {
  return isRecord(body['Labels']) ? (body['Labels'] as Record<string, string>) : {};
}

/** Returns the labels of a build request. @see Engine API, ImageBuild: `labels`, a JSON map of strings */
export function labelsOfQuery(path: string): Record<string, string> {
  return (parseBody(queryOf(path).get('labels') ?? '') ?? {}) as Record<string, string>;
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

/** Whether a value of a request's JSON is an object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
