import { unescape } from 'node:querystring';

/** The method and path of a request, including query and API version. */
export interface Asked {
  readonly method: string;
  readonly path: string;
}

/**
 * Returns a predicate for calls that match `'DELETE /containers/*'`, or one of several such patterns.
 *
 * `*` matches one path segment, `**` any number of characters; the method may be `*`, too. An API version at
 * the start of the path is ignored. So is the query, unless the pattern has one: then the request must have
 * each of its parameters.
 */
export function matching(patterns: string | readonly string[]): (asked: Asked) => boolean {
  const claims = [patterns].flat().map(parsePattern);
  return (asked) => claims.some((matches) => matches(asked));
}

function parsePattern(pattern: string): (asked: Asked) => boolean {
  const [, method, path, query] = /^(\S+) (\/[^\s?]*|\*\*)(?:\?(\S+))?$/.exec(pattern) ?? [];
  if (method === undefined || path === undefined)
    throw new Error(`pattern "${pattern}": METHOD /path expected`);
  const pathMatches = globToRegExp(path);
  const parameters = [...new URLSearchParams(query)];
  return (asked) => {
    const [askedPath = '', askedQuery] = asked.path.split('?');
    const given = new URLSearchParams(askedQuery);
    return (
      (method === '*' || method === asked.method) &&
      pathMatches.test(unescape(askedPath.replace(/^\/v\d+(\.\d+)+(?=\/)/, ''))) &&
      parameters.every(([name, value]) => given.get(name) === value)
    );
  };
}

function globToRegExp(glob: string): RegExp {
  const parts = glob.split(/(\*\*|\*)/).map((part) => {
    if (part === '**') return '.*';
    return part === '*' ? '[^/]+' : part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
  });
  return new RegExp(`^${parts.join('')}$`);
}
