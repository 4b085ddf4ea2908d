import { parseBounds } from '../../core/bounds';
import type { Owner } from '../../core/labels';
import { checkClaim, type Claim, type ClaimRules } from '../leases/claim';
import { protocolVersion, type Request } from './message';
import { parseRyukLine } from './ryuk-line';

/** What one line asks for. */
export type ParsedRequest =
  /** A line of Ryuk's: all of its labels are one claim. */
  | { readonly type: 'filter'; readonly claim: Claim }
  | { readonly type: 'request'; readonly request: Exclude<Request, { labels: unknown }> }
  | { readonly type: 'claim-request'; readonly request: ClaimRequest; readonly claim: Claim }
  | { readonly type: 'refusal'; readonly isFilter: boolean; readonly id: number; readonly reason: string };

export type ClaimRequest = Extract<Request, { labels: unknown }>;

/** Reads one line: JSON where it starts with a brace, else one of Ryuk's. It never throws. */
export function parseRequest(line: string, rules: ClaimRules = {}): ParsedRequest {
  return line.trimStart().startsWith('{') ? parseJson(line, rules) : parseFilter(line, rules);
}

function parseFilter(line: string, rules: ClaimRules): ParsedRequest {
  const parsed = parseRyukLine(line);
  const check = 'refusal' in parsed ? parsed : checkClaim(parsed.labels, rules);
  if ('claim' in check) return { type: 'filter', claim: check.claim };
  return { type: 'refusal', isFilter: true, id: 0, reason: check.refusal };
}

function parseJson(line: string, rules: ClaimRules): ParsedRequest {
  const fields = fieldsOf(line);
  if (fields === undefined)
    return { type: 'refusal', isFilter: false, id: 0, reason: 'no JSON object in one line' };
  const { id, type } = fields;
  if (!isId(id))
    return { type: 'refusal', isFilter: false, id: 0, reason: `id: ${seen(id)}; give a whole number from 1` };
  const refuse = (reason: string): ParsedRequest => ({ type: 'refusal', isFilter: false, id, reason });
  switch (type) {
    case 'ping':
    case 'bye':
      return { type: 'request', request: { id, type } };
    case 'hello': {
      const hello = readHello(id, fields);
      return typeof hello === 'string' ? refuse(hello) : { type: 'request', request: hello };
    }
    case 'claim':
    case 'release': {
      const { labels } = fields;
      const bounds = parseBounds(fields['bounds']);
      if (!isTexts(labels)) return refuse(`labels: ${seen(labels)}; give a list of key=value`);
      if (bounds === undefined && fields['bounds'] !== undefined)
        return refuse(`bounds: ${seen(fields['bounds'])}; give lists of digests`);
      const check = checkClaim(labels, rules, bounds);
      if ('refusal' in check) return refuse(check.refusal);
      return { type: 'claim-request', request: { id, type, labels, bounds }, claim: check.claim };
    }
    default:
      return refuse(
        `type: ${seen(type)}; one of hello, claim, release, bye, ping is understood in protocol ${protocolVersion}`,
      );
  }
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isFields(value) ? value : undefined;
  } catch {
    // SyntaxError: no JSON.
    return undefined;
  }
}

function readHello(id: number, fields: Fields): Extract<Request, { type: 'hello' }> | string {
  const { protocol, version, session, owner, token } = fields;
  if (protocol !== protocolVersion)
    return `protocol: ${seen(protocol)}; this reaper speaks ${protocolVersion}: use the reaper of the same castoff`;
  const tooLong = [version, session, ...(isFields(owner) ? Object.values(owner) : [])].some(isTooLong);
  if (tooLong) return `a text of more than ${longestName} characters; give shorter names`;
  if (!isText(version)) return `version: ${seen(version)}; give that of the castoff that speaks`;
  if (!isText(session)) return `session: ${seen(session)}; give its id`;
  if (token !== undefined && typeof token !== 'string') return 'token: no text';
  const known = isFields(owner) ? readOwner(owner) : 'no object';
  if (typeof known === 'string') return `owner: ${known}`;
  return { id, type: 'hello', protocol, version, session, owner: known, token };
}

const ownerTexts = ['machine', 'boot', 'pidStart', 'pidNamespace', 'run'] as const;

function readOwner(fields: Fields): Owner | string {
  const { host, pid } = fields;
  if (!isText(host)) return `host: ${seen(host)}; give the host's name`;
  if (!isId(pid)) return `pid: ${seen(pid)}; give a process id`;
  const bad = ownerTexts.find((name) => !isTextOrNone(fields[name]));
  if (bad !== undefined) return `${bad}: ${seen(fields[bad])}; give text, or leave it out`;
  const texts = Object.fromEntries(ownerTexts.map((name) => [name, fields[name] as string | undefined]));
  return { host, pid, ...texts };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTextOrNone(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

/** What a client says of itself is part of many log lines. A digest has 64 characters, the name of a host 253. */
const longestName = 256;

function isTooLong(value: unknown): boolean {
  return typeof value === 'string' && value.length > longestName;
}

const longestSeen = 60;

function seen(value: unknown): string {
  if (value === undefined) return 'it is missing';
  // Not written out: 32 000 brackets in each other are more than the stack holds.
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? 'got a list' : 'got an object';
  const text = JSON.stringify(value);
  return `got ${text.length > longestSeen ? `${text.slice(0, longestSeen)}…` : text}`;
}
