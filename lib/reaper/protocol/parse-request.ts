import { parseBounds } from '../../core/bounds';
import type { Owner } from '../../core/labels';
import { isFields, parseFields, type Fields } from '../../core/fields';
import { checkClaim, type Claim } from '../leases/claim';
import type { ClaimableKeys } from '../leases/reaper-mode';
import { protocolVersion, type Request } from './message';
import { parseRyukLine } from './ryuk-line';

/** One parsed line: a request, whose labels and bounds are one valid claim, or the reason for its refusal. */
export type ParsedRequest =
  | Exclude<Request, { labels: unknown }>
  | { readonly type: 'claim' | 'release'; readonly id: number; readonly claim: Claim }
  /** A line of Ryuk's protocol, whose lines have no id. */
  | {
      readonly type: 'filter';
      readonly id?: undefined;
      readonly claim: Claim;
      readonly token?: string | undefined;
    }
  /** Another such line, with nothing but a token. */
  | { readonly type: 'token'; readonly id?: undefined; readonly token: string }
  /** `id`: 0 for JSON without a valid one. */
  | { readonly type: 'refusal'; readonly id?: number; readonly reason: string };

/** Parses one line: a JSON request if it starts with a brace, else a filter of Ryuk's. Never throws. */
export function parseRequest(line: string, claimable?: ClaimableKeys): ParsedRequest {
  if (line.trimStart().startsWith('{')) return parseJson(line, claimable);
  const parsed = parseRyukLine(line);
  if ('refusal' in parsed) return { type: 'refusal', reason: parsed.refusal };
  const { labels, token } = parsed;
  if (labels.length === 0 && token !== undefined) return { type: 'token', token };
  const check = checkClaim(labels, claimable);
  return 'claim' in check
    ? { type: 'filter', token, claim: check.claim }
    : { type: 'refusal', reason: check.refusal };
}

function parseJson(line: string, claimable: ClaimableKeys | undefined): ParsedRequest {
  const fields = parseFields(line);
  if (fields === undefined) return { type: 'refusal', id: 0, reason: 'not a JSON object on one line' };
  const { id, type } = fields;
  if (!isPositiveInteger(id))
    return { type: 'refusal', id: 0, reason: `id: ${describe(id)}; give a whole number from 1` };
  const refuse = (reason: string): ParsedRequest => ({ type: 'refusal', id, reason });
  switch (type) {
    case 'ping': {
      const { token } = fields;
      return token === undefined || typeof token === 'string'
        ? { id, type, token }
        : refuse('token: not a string');
    }
    case 'bye': {
      const { keepMs } = fields;
      if (keepMs !== undefined && !isPositiveInteger(keepMs, maxKeepMs))
        return refuse(`keepMs: ${describe(keepMs)}; give milliseconds from 1 to ${maxKeepMs}`);
      return { id, type, keepMs };
    }
    case 'hello': {
      const hello = readHello(id, fields);
      return typeof hello === 'string' ? refuse(hello) : hello;
    }
    case 'claim':
    case 'release': {
      const { labels } = fields;
      const bounds = parseBounds(fields['bounds']);
      if (!isStringArray(labels)) return refuse(`labels: ${describe(labels)}; give a list of key=value`);
      if (bounds === undefined && fields['bounds'] !== undefined)
        return refuse(`bounds: ${describe(fields['bounds'])}; give lists of digests`);
      const check = checkClaim(labels, claimable, bounds);
      return 'refusal' in check ? refuse(check.refusal) : { id, type, ...check };
    }
    default:
      return refuse(
        `type: ${describe(type)}; protocol ${protocolVersion} has hello, claim, release, bye and ping`,
      );
  }
}

/** One day: the reaper holds the claims for so long. */
const maxKeepMs = 86_400_000;

function readHello(id: number, fields: Fields): Extract<Request, { type: 'hello' }> | string {
  const { protocol, version, session, owner, token } = fields;
  if (protocol !== protocolVersion)
    return `protocol: ${describe(protocol)}; this reaper speaks ${protocolVersion}: use the reaper of the same castoff version`;
  const tooLong = [version, session, ...(isFields(owner) ? Object.values(owner) : [])].some(isTooLong);
  if (tooLong) return `a string of more than ${maxNameLength} characters; use shorter names`;
  if (!isNonEmptyString(version)) return `version: ${describe(version)}; give the client's castoff version`;
  if (!isNonEmptyString(session)) return `session: ${describe(session)}; give its id`;
  if (token !== undefined && typeof token !== 'string') return 'token: not a string';
  const parsedOwner = isFields(owner) ? readOwner(owner) : 'not an object';
  if (typeof parsedOwner === 'string') return `owner: ${parsedOwner}`;
  return { id, type: 'hello', protocol, version, session, owner: parsedOwner, token };
}

const ownerTexts = ['machine', 'boot', 'pidStart', 'pidNamespace', 'run'] as const;

function readOwner(fields: Fields): Owner | string {
  const { host, pid } = fields;
  if (!isNonEmptyString(host)) return `host: ${describe(host)}; give the host's name`;
  if (!isPositiveInteger(pid)) return `pid: ${describe(pid)}; give a process id`;
  const invalid = ownerTexts.find((name) => !isOptionalString(fields[name]));
  if (invalid !== undefined) return `${invalid}: ${describe(fields[invalid])}; give a string, or omit it`;
  const texts = Object.fromEntries(ownerTexts.map((name) => [name, fields[name] as string | undefined]));
  return { host, pid, ...texts };
}

function isPositiveInteger(value: unknown, max: number = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) <= max;
}

function isNonEmptyString(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isOptionalString(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

function isStringArray(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

/** A client's names are part of many log lines. A digest has 64 characters, a host name up to 253. */
const maxNameLength = 256;

function isTooLong(value: unknown): boolean {
  return typeof value === 'string' && value.length > maxNameLength;
}

const maxShownLength = 60;

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  // Not stringified: 32 000 nested brackets overflow the stack.
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'got a list' : 'got an object';
  const text = JSON.stringify(value);
  return `got ${text.length > maxShownLength ? `${text.slice(0, maxShownLength)}…` : text}`;
}
