type Labels = Readonly<Record<string, string>>;

/** The JSON object that is the body of a request; `undefined`: it is none. */
export function parseBody(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    // SyntaxError: the engine will say so.
    return undefined;
  }
}

/** `body` with `labels` beside its own. */
export function addLabelsToBody(body: Readonly<Record<string, unknown>>, labels: Labels): string {
  return JSON.stringify({ ...body, Labels: { ...labelsOfBody(body), ...labels } });
}

export function labelsOfBody(body: Readonly<Record<string, unknown>>): Record<string, string> {
  return isRecord(body['Labels']) ? (body['Labels'] as Record<string, string>) : {};
}

/** `path` with `labels` beside those that its query has; the rest of it stays as it is spelled. */
export function addLabelsToQuery(path: string, labels: Labels): string {
  const [route = '', ...rest] = path.split('?');
  const others = rest
    .join('?')
    .split('&')
    .filter((part) => part !== '' && !/^labels(=|$)/.test(part));
  const all = encodeURIComponent(JSON.stringify({ ...labelsOfQuery(path), ...labels }));
  return `${route}?${[...others, `labels=${all}`].join('&')}`;
}

/** @see Engine API, ImageBuild: `labels`, a JSON map of texts. */
export function labelsOfQuery(path: string): Record<string, string> {
  return (parseBody(queryOf(path).get('labels') ?? '') ?? {}) as Record<string, string>;
}

/**
 * `path` with one more `changes` for each label, which sets it on the image. One instruction each: Podman (4.3 to 5.8) makes
 * one corrupt label of `LABEL a="x" b="y"`.
 *
 * @see Engine API, ImageCommit and ImageCreate: `changes`, instructions as in a Dockerfile
 */
export function addLabelsToChanges(path: string, labels: Labels): string {
  const changes = Object.entries(labels).map(
    ([name, value]) => `changes=${encodeURIComponent(`LABEL ${name}=${quote(value)}`)}`,
  );
  return `${path}${path.includes('?') ? '&' : '?'}${changes.join('&')}`;
}

/** The instructions that come with a commit or an import, a line each. */
export function changesOf(path: string): readonly string[] {
  return queryOf(path)
    .getAll('changes')
    .flatMap((change) => change.split('\n'));
}

export function queryOf(path: string): URLSearchParams {
  return new URLSearchParams(path.split('?').slice(1).join('?'));
}

// A Dockerfile expands variables in double quotes, ends an instruction with its line, and takes a backslash for an escape.
function quote(value: string): string {
  return `"${value.replaceAll(/[\\"$]/g, (special) => `\\${special}`).replaceAll(/\s+/g, ' ')}"`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
