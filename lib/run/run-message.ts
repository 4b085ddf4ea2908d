import { parseBounds, type BoundedLabels } from '../core/bounds';
import type { Owner } from '../core/labels';
import type { RegistryEntry } from '../registry/entry';
import { parseEntry } from './parse-entry';
import type { RunSettings, SharedTurn } from '../session/run-client';
import type { SerializedError } from '../wire/serialize-error';

/** The longest line between a run and its workers: the JSON of a shared value, as a text within JSON, is at most twice as long. */
export const maxRunLineBytes = 3 * 1_024 * 1_024;

/** What a worker asks; each is answered under its `id`. */
export type RunRequest = { readonly id: number } & RunCall;

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

export type SharedMade = { readonly json: string } | { readonly error: SerializedError };

/** What a worker tells, and gets no answer to. */
export type RunNote =
  | { readonly type: 'tell'; readonly entry: RegistryEntry }
  /** A creation that went out without labels. */
  | { readonly type: 'unwatched'; readonly creation: string }
  /** It has ended as it should: what ends after this is no loss. */
  | { readonly type: 'leave' };

/** What the run answers to `join`. */
export interface JoinAnswer {
  readonly session: string;
  readonly owner: Owner;
  readonly settings: RunSettings;
  readonly coversTestcontainers: boolean;
}

export type RunReply =
  | { readonly id: number; readonly ok: true; readonly value?: JoinAnswer | SharedTurn | undefined }
  | { readonly id: number; readonly ok: false; readonly error: SerializedError }
  /** Nothing new is to be created. */
  | { readonly type: 'ending' };

export type ParsedRunLine =
  | { readonly request: RunRequest }
  | { readonly note: RunNote }
  /** `id`: under which somebody waits for an answer, where that can be told. */
  | { readonly refusal: string; readonly id?: number | undefined };

/** What a worker's line means. It never throws. */
export function parseRunLine(text: string): ParsedRunLine {
  const line = parseObject(text);
  if (line === undefined) return { refusal: 'no JSON object' };
  const id = Number.isSafeInteger(line['id']) ? (line['id'] as number) : undefined;
  const note = parseNote(line);
  if (note !== undefined) return { note };
  const ask = parseAsk(line);
  if (ask === undefined) return { refusal: `no request: ${String(line['type']).slice(0, 40)}`, id };
  return id === undefined ? { refusal: 'a request without a number' } : { request: { id, ...ask } };
}

/** What the run's line means; `undefined` for what a worker cannot make sense of. */
export function parseRunReply(text: string): RunReply | undefined {
  const line = parseObject(text);
  if (line === undefined) return undefined;
  if (line['type'] === 'ending') return { type: 'ending' };
  if (!Number.isSafeInteger(line['id']) || typeof line['ok'] !== 'boolean') return undefined;
  // The run is this very version of castoff: a value is as it was sent.
  if (line['ok'] || parseError(line['error']) !== undefined) return line as unknown as RunReply;
  return undefined;
}

function parseNote(line: Fields): RunNote | undefined {
  if (line['type'] === 'leave') return { type: 'leave' };
  if (line['type'] === 'unwatched' && isText(line['creation']))
    return { type: 'unwatched', creation: line['creation'] };
  if (line['type'] !== 'tell') return undefined;
  const entry = parseEntry(line['entry']);
  return entry === undefined ? undefined : { type: 'tell', entry };
}

function parseAsk(line: Fields): RunCall | undefined {
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
    // SyntaxError: whoever wrote it does not speak this language.
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
