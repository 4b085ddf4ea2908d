import { types } from 'node:util';
import { CastoffError } from '../core/errors';

/**
 * When a command is ready: its output matches an expression; something accepts connections at a port of this
 * machine; or a URL of this machine responds with a status below 400.
 */
export type ReadyOption = RegExp | number | string | URL;

/** A valid {@link ReadyOption}. */
export type ReadyCondition =
  | { readonly type: 'output'; readonly pattern: RegExp }
  | { readonly type: 'port'; readonly port: number }
  | { readonly type: 'url'; readonly url: URL };

/** @throws CastoffError `CONFIG_INVALID` for anything else than an expression, a port or a loopback URL. */
export function readReadyOption(ready: unknown): ReadyCondition {
  // Jest's sandboxes have constructors of their own.
  if (types.isRegExp(ready)) return { type: 'output', pattern: ready };
  if (typeof ready === 'number') {
    if (Number.isInteger(ready) && ready >= 1 && ready <= 65_535) return { type: 'port', port: ready };
    throw refused(String(ready), 'a port from 1 to 65535');
  }
  const text = typeof ready === 'object' && ready !== null && 'href' in ready ? ready.href : ready;
  if (typeof text !== 'string' || !URL.canParse(text)) throw refused(describe(ready), wanted);
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused(url.href, wanted);
  if (!isLoopback(url.hostname))
    throw refused(url.href, 'a URL of this machine, such as http://127.0.0.1:3000');
  return { type: 'url', url };
}

const wanted = 'an expression, a port, or an http(s) URL';

/** Returns the condition as part of an error: `its output does not match /listening/`. */
export function describeUnmet(condition: ReadyCondition): string {
  switch (condition.type) {
    case 'output':
      return `its output does not match ${String(condition.pattern)}`;
    case 'port':
      return `port ${condition.port} does not accept connections`;
    case 'url':
      return `${condition.url.href} does not respond with a status below 400`;
  }
}

/** @see RFC 6761, section 6.3: names under localhost are loopback addresses */
function isLoopback(host: string): boolean {
  return /^(?:127(?:\.\d+){3}|\[::1\]|(?:.+\.)?localhost)$/.test(host);
}

function describe(value: unknown): string {
  return JSON.stringify(value) ?? typeof value;
}

function refused(got: string, better: string): CastoffError {
  return new CastoffError('CONFIG_INVALID', `scope.run: got ${got} as ready; give ${better}`);
}
