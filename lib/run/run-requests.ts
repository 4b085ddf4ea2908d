import { parseBounds, type BoundedLabels } from '../core/bounds';
import type { RegistryEntry } from '../registry/entry';
import type { SharedMade, SharedTurn } from '../session/run-client';
import type { OpenHandle } from '../verdict/verdict';
import { isFields, parseFields, type Fields } from '../core/fields';
import type { SerializedError } from '../wire/serialize-error';
import { parseEntry } from '../registry/parse-entry';
import { readHandle } from './read-handle';
import type { RunFacts, RunParts } from './run-parts';

/**
 * The maximum length of a line between a run and its workers. JSON as a string inside JSON is at most twice
 * as long.
 */
export const maxRunLineBytes = 3 * 1_024 * 1_024;

/** The requests of a worker: the fields of each, and the value of the reply. */
export interface RunRequests {
  /** Opens the worker's lease. Must be the first request. */
  join: (asked: { readonly worker: string }) => RunFacts;
  ready: (asked: object) => void;
  claim: (asked: BoundedLabels) => void;
  release: (asked: BoundedLabels) => void;
  report: (asked: { readonly entry: RegistryEntry }) => void;
  /** Reports a creation that went out without labels. */
  unlabelled: (asked: { readonly creation: string }) => void;
  'note-death': (asked: { readonly key: string; readonly died: string }) => void;
  'remove-leaks': (asked: { readonly keys: readonly string[] }) => void;
  'report-handles': (asked: { readonly handles: readonly OpenHandle[] }) => void;
  'await-shared': (asked: {
    readonly name: string;
    readonly timeoutMs: number;
    readonly within?: string | undefined;
  }) => SharedTurn;
  'settle-shared': (asked: { readonly name: string; readonly made: SharedMade }) => void;
  /** Ends the worker's lease: the end of its connection is not a crash. */
  bye: (asked: object) => void;
}

/** The fields of a request. */
export type Asked<T extends keyof RunRequests> = Parameters<RunRequests[T]>[0];
/** The value of its reply. */
export type ReplyValue<T extends keyof RunRequests> = ReturnType<RunRequests[T]>;

interface RequestType<T extends keyof RunRequests> {
  /** Returns the request's fields; `undefined` when they are invalid. */
  readonly read: (fields: Fields) => Asked<T> | undefined;
  readonly answer: (run: RunParts, worker: string, asked: Asked<T>) => ReplyValue<T> | Promise<ReplyValue<T>>;
}

const requestTypes: { readonly [T in keyof RunRequests]: RequestType<T> } = {
  join: {
    read: ({ worker }) => (isText(worker) ? { worker } : undefined),
    answer(run, worker) {
      run.leases.open(worker);
      return run.facts;
    },
  },
  ready: { read: () => ({}), answer: (run) => run.runSession.ready() },
  claim: { read: readClaim, answer: (run, worker, claim) => run.leases.claim(worker, claim) },
  release: { read: readClaim, answer: (run, worker, claim) => run.leases.release(worker, claim) },
  report: {
    read(fields) {
      const entry = parseEntry(fields['entry']);
      return entry === undefined ? undefined : { entry };
    },
    answer: (run, worker, { entry }) => run.entries.record(worker, entry),
  },
  unlabelled: {
    read: ({ creation }) => (isText(creation) ? { creation } : undefined),
    answer: (run, _worker, { creation }) => void run.unlabelled.push(creation),
  },
  'note-death': {
    read: ({ key, died }) => (isText(key) && isText(died) ? { key, died } : undefined),
    answer: (run, _worker, { key, died }) => run.entries.update(new Map([[key, { died }]])),
  },
  'remove-leaks': {
    read: ({ keys }) => (isTexts(keys) ? { keys } : undefined),
    answer: (run, _worker, { keys }) => run.cleanup.removeLeaks(keys),
  },
  'report-handles': {
    read({ handles }) {
      const parsed = Array.isArray(handles) ? handles.map((one) => readHandle(one)) : [undefined];
      const valid = parsed.filter((one) => one !== undefined);
      return valid.length === parsed.length ? { handles: valid } : undefined;
    },
    answer: (run, _worker, { handles }) => void run.handles.push(...handles),
  },
  'await-shared': {
    read({ name, timeoutMs, within }) {
      const isValid = isText(name) && typeof timeoutMs === 'number';
      return isValid && (within === undefined || isText(within)) ? { name, timeoutMs, within } : undefined;
    },
    answer: (run, worker, asked) => run.shared.awaitTurn({ ...asked, worker }),
  },
  'settle-shared': {
    read({ name, made }) {
      const parsed = readMade(made);
      return isText(name) && parsed !== undefined ? { name, made: parsed } : undefined;
    },
    answer: (run, worker, { name, made }) => run.shared.settle(name, worker, made),
  },
  bye: { read: () => ({}), answer: (run, worker) => run.leases.leave(worker) },
};

/** A parsed request of a worker. `id`: of the request to reply to; `undefined` when it gets no reply. */
type RunRequest = {
  readonly [T in keyof RunRequests]: {
    readonly id: number | undefined;
    readonly type: T;
    readonly asked: Asked<T>;
  };
}[keyof RunRequests];

/** Parses a worker's line, or returns the reason for its refusal. Never throws. */
export function parseRunRequest(
  line: string,
): RunRequest | { readonly id: number | undefined; readonly refusal: string } {
  const { id: given, type, ...fields } = parseFields(line) ?? {};
  const id = Number.isSafeInteger(given) ? (given as number) : undefined;
  const asked = isRequestType(type) ? requestTypes[type].read(fields) : undefined;
  if (asked === undefined) return { id, refusal: `invalid request: ${String(type).slice(0, 40)}` };
  return { id, type, asked } as RunRequest;
}

/** Performs a request of `worker`. Resolves to the value of the reply. */
export async function performRequest<T extends keyof RunRequests>(
  run: RunParts,
  worker: string,
  { type, asked }: { readonly type: T; readonly asked: Asked<T> },
): Promise<ReplyValue<T>> {
  return requestTypes[type].answer(run, worker, asked);
}

function isRequestType(type: unknown): type is keyof RunRequests {
  return typeof type === 'string' && Object.hasOwn(requestTypes, type);
}

function readClaim({ labels, bounds }: Fields): BoundedLabels | undefined {
  if (!isTexts(labels)) return undefined;
  if (bounds === undefined) return { labels };
  const parsed = parseBounds(bounds);
  return parsed && { labels, bounds: parsed };
}

function readMade(value: unknown): SharedMade | undefined {
  if (!isFields(value)) return undefined;
  if (typeof value['json'] === 'string') return { json: value['json'] };
  const error = value['error'];
  const isError =
    isFields(error) && typeof error['name'] === 'string' && typeof error['message'] === 'string';
  // Its other fields come from a worker of the same version of castoff.
  return isError ? { error: error as unknown as SerializedError } : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => isText(one));
}
