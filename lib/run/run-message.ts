import { parseBounds, type BoundedLabels } from '../core/bounds';
import type { Owner } from '../core/labels';
import type { RegistryEntry } from '../registry/entry';
import { parseEntry } from '../registry/parse-entry';
import type { RunSettings, SharedTurn } from '../session/run-client';
import type { SerializedError } from '../wire/serialize-error';

/**
 * The maximum length of a line between a run and its workers. JSON as a string inside JSON is at most twice
 * as long.
 */
export const maxRunLineBytes = 3 * 1_024 * 1_024;

/** A worker's request. The reply has the same `id`. */
export type RunRequest = { readonly id: number } & RunCall;

/** A worker's request without its id. */
export type RunCall =
  | { readonly type: 'join'; readonly worker: string }
  | { readonly type: 'ready' }
  | ({ readonly type: 'claim' | 'release' } & BoundedLabels)
  | { readonly type: 'note-death'; readonly key: string; readonly died: string }
  | { readonly type: 'remove-leaks'; readonly keys: readonly string[] }
  | {
      readonly type: 'await-shared';
      readonly name: string;
      readonly timeoutMs: number;
      readonly within?: string | undefined;
    }
  | { readonly type: 'settle-shared'; readonly name: string; readonly made: SharedMade };

/** The result of a shared fixture's factory. */
export type SharedMade = { readonly json: string } | { readonly error: SerializedError };

/** A worker's notification, which has no reply. */
export type RunNote =
  | { readonly type: 'report'; readonly entry: RegistryEntry }
  /** A creation that went out without labels. */
  | { readonly type: 'unlabelled'; readonly creation: string }
  /** The worker leaves the run: the end of its connection is not a crash. */
  | { readonly type: 'leave' };

/** The value of the reply to `join`. */
export interface JoinAnswer {
  readonly session: string;
  readonly owner: Owner;
  readonly settings: RunSettings;
  readonly coversTestcontainers: boolean;
}

/** A message from the run to a worker. */
export type RunReply =
  | { readonly id: number; readonly ok: true; readonly value?: JoinAnswer | SharedTurn | undefined }
  | { readonly id: number; readonly ok: false; readonly error: SerializedError }
  /** No resource may be created any more. */
  | { readonly type: 'ending' };

/** A parsed line of a worker. */
export type ParsedRunLine =
  | { readonly request: RunRequest }
  | { readonly note: RunNote }
  /** `id`: of the request to reply to, if the line has one. */
  | { readonly refusal: string; readonly id?: number | undefined };

/** Parses a worker's line. Never throws. */
export function parseRunLine(text: string): ParsedRunLine {
  const line = parseObject(text);
  if (line === undefined) return { refusal: 'not a JSON object' };
  const id = Number.isSafeInteger(line['id']) ? (line['id'] as number) : undefined;
  const note = parseNote(line);
  if (note !== undefined) return { note };
  const call = parseCall(line);
  if (call === undefined) return { refusal: `invalid request: ${String(line['type']).slice(0, 40)}`, id };
  return id === undefined ? { refusal: 'a request without an id' } : { request: { id, ...call } };
}

/** Parses a line from the run. Returns `undefined` for a line that is not a valid message. */
export function parseRunReply(text: string): RunReply | undefined {
  const line = parseObject(text);
  if (line === undefined) return undefined;
  if (line['type'] === 'ending') return { type: 'ending' };
  if (!Number.isSafeInteger(line['id']) || typeof line['ok'] !== 'boolean') return undefined;
  // The run has the same version of castoff: its values need no validation.
  if (line['ok'] || parseError(line['error']) !== undefined) return line as unknown as RunReply;
  return undefined;
}

function parseNote(line: Fields): RunNote | undefined {
  if (line['type'] === 'leave') return { type: 'leave' };
  if (line['type'] === 'unlabelled' && isText(line['creation']))
    return { type: 'unlabelled', creation: line['creation'] };
  if (line['type'] !== 'report') return undefined;
  const entry = parseEntry(line['entry']);
  return entry === undefined ? undefined : { type: 'report', entry };
}

function parseCall(line: Fields): RunCall | undefined {
  const { type, worker, labels, bounds, key, died, keys, name, timeoutMs, within, made } = line;
  switch (type) {
    case 'ready':
      return { type };
    case 'join':
      return isText(worker) ? { type, worker } : undefined;
    case 'claim':
    case 'release':
      return isTexts(labels) ? boundedClaim(type, labels, bounds) : undefined;
    case 'note-death':
      return isText(key) && isText(died) ? { type, key, died } : undefined;
    case 'remove-leaks':
      return isTexts(keys) ? { type, keys } : undefined;
    case 'await-shared':
      if (!isText(name) || typeof timeoutMs !== 'number' || !(within === undefined || isText(within)))
        return undefined;
      return { type, name, timeoutMs, within };
    case 'settle-shared': {
      const parsed = parseMade(made);
      return isText(name) && parsed !== undefined ? { type, name, made: parsed } : undefined;
    }
    default:
      return undefined;
  }
}

function boundedClaim(
  type: 'claim' | 'release',
  labels: readonly string[],
  value: unknown,
): RunCall | undefined {
  if (value === undefined) return { type, labels };
  const bounds = parseBounds(value);
  return bounds && { type, labels, bounds };
}

function parseMade(value: unknown): SharedMade | undefined {
  if (!isFields(value)) return undefined;
  if (typeof value['json'] === 'string') return { json: value['json'] };
  const error = parseError(value['error']);
  return error === undefined ? undefined : { error };
}

function parseError(value: unknown): SerializedError | undefined {
  if (!isFields(value)) return undefined;
  const { name, message, stack, code } = value;
  if (typeof name !== 'string' || typeof message !== 'string') return undefined;
  return {
    name,
    message,
    stack: typeof stack === 'string' ? stack : undefined,
    code: typeof code === 'string' ? code : undefined,
  };
}

type Fields = Readonly<Record<string, unknown>>;

function parseObject(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    // SyntaxError: the peer is not a worker.
    return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => isText(one));
}
