type Labels = Readonly<Record<string, string>>;

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

/** Returns `body` as JSON with `labels` added to its own. */
export function addLabelsToBody(body: Readonly<Record<string, unknown>>, labels: Labels): string {
  return JSON.stringify({ ...body, Labels: { ...labelsOfBody(body), ...labels } });
}

/** Returns the labels in the body of a create request. */
export function labelsOfBody(body: Readonly<Record<string, unknown>>): Record<string, string> {
  return isRecord(body['Labels']) ? (body['Labels'] as Record<string, string>) : {};
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

/** Returns the labels of a build request. @see Engine API, ImageBuild: `labels`, a JSON map of strings */
export function labelsOfQuery(path: string): Record<string, string> {
  return (parseBody(queryOf(path).get('labels') ?? '') ?? {}) as Record<string, string>;
}

/**
 * Adds a `changes` parameter to `path` for each label, which sets it on the image. Each label has its own
 * instruction: Podman 4.3 to 5.8 reads `LABEL a="x" b="y"` as a single corrupt label.
 *
 * @see Engine API, ImageCommit and ImageCreate: `changes`, Dockerfile instructions
 */
export function addLabelsToChanges(path: string, labels: Labels): string {
  const changes = Object.entries(labels).map(
    ([name, value]) => `changes=${encodeURIComponent(`LABEL ${name}=${quote(value)}`)}`,
  );
  return `${path}${path.includes('?') ? '&' : '?'}${changes.join('&')}`;
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

// A Dockerfile expands variables in double quotes, ends an instruction at a newline, escapes by backslash.
function quote(value: string): string {
  return `"${value.replaceAll(/[\\"$]/g, (special) => `\\${special}`).replaceAll(/\s+/g, ' ')}"`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
