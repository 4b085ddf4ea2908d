import { unescape } from 'node:querystring';

/** What a pattern looks at: the method and the path as it was asked, query and API version included. */
export interface Asked {
  readonly method: string;
  readonly path: string;
}

/**
 * Makes a claim out of `'DELETE /containers/*'`, or out of several of them: is this call one of those?
 *
 * `*` stands for one path segment, `**` for any number of characters; the method may be `*` too. An API version in
 * front of the asked path is ignored, and so is the query, unless the pattern has one: then each of its parameters
 * must have been asked for with that value.
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
