import { CastoffError, messageOf } from '../core/errors';

/** The version of the format; a reader refuses others. */
export const snapshotVersion = 1;

/** Why a snapshot was taken: at the end of the session or run of its process, or at its exit before that. */
export type SnapshotReason = 'session closed' | 'run closed' | 'process exit';

/** What a process had at one moment. Plain data, which survives JSON. */
export interface ProcessSnapshot {
  readonly schemaVersion: typeof snapshotVersion;
  /** RFC 3339. */
  readonly takenAt: string;
  readonly reason: SnapshotReason;
  readonly process: {
    readonly pid: number;
    readonly host: string;
    /** Version of castoff. */
    readonly version: string;
    readonly session: string;
    /** Its id in the run; absent in the run's own process. */
    readonly worker?: string | undefined;
  };
  /** All that the process created or adopted, with its state; `gone` is verified gone. */
  readonly resources: readonly SnapshotItem[];
  /** Those that have not ended. */
  readonly tasks: readonly SnapshotItem[];
  readonly commands: readonly SnapshotItem[];
  /** Open handles, if the process watches them. */
  readonly handles: readonly SnapshotItem[];
}

/** The lists of items in a snapshot. */
export const snapshotLists = ['resources', 'tasks', 'commands', 'handles'] as const;

/** One resource, task, command or group of handles. */
export interface SnapshotItem {
  /** `container`, `task`, `interval`. */
  readonly kind: string;
  /** `container web`, `task poll`, `server listening on :4123`. */
  readonly what: string;
  /** The id of a resource, once known. */
  readonly id?: string | undefined;
  readonly scope: string;
  readonly test?: string | undefined;
  /** The user's line that created it: `file:line`. */
  readonly source?: string | undefined;
  /** A state of the registry; `running` or `stuck` for a task; `open` for handles. */
  readonly state: string;
  /** When it entered that state, or was created. RFC 3339. */
  readonly since: string;
  /** Handles of one kind and line are one item. Else 1. */
  readonly count: number;
}

/**
 * Parses the text of a snapshot file.
 *
 * @param path - For the error.
 * @throws CastoffError `CONFIG_INVALID` when it is torn, no snapshot, or of another version.
 */
export function parseSnapshot(text: string, path: string): ProcessSnapshot {
  const value = parseJson(text, path);
  if (!isObject(value) || !('schemaVersion' in value)) throw refused(path, 'not a snapshot of castoff');
  const { schemaVersion } = value;
  if (schemaVersion !== snapshotVersion)
    throw refused(
      path,
      `it has version ${JSON.stringify(schemaVersion)}, and this castoff reads ${snapshotVersion}; use the castoff that wrote it`,
    );
  const isComplete =
    snapshotLists.every((name) => isItems(value[name])) && typeof value['takenAt'] === 'string';
  if (!isComplete) throw refused(path, 'parts of it are missing or invalid');
  // The fields of its items come from the same version of castoff.
  return value as unknown as ProcessSnapshot;
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refused(path, `it is torn or no JSON (${messageOf(cause)}); delete it, or run again`, cause);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isItems(value: unknown): boolean {
  const texts = ['kind', 'what', 'scope', 'state', 'since'] as const;
  return (
    Array.isArray(value) &&
    value.every(
      (item: unknown) =>
        isObject(item) &&
        texts.every((name) => typeof item[name] === 'string') &&
        ['source', 'test', 'id'].every(
          (name) => item[name] === undefined || typeof item[name] === 'string',
        ) &&
        Number.isSafeInteger(item['count']) &&
        (item['count'] as number) > 0,
    )
  );
}

function refused(path: string, reason: string, cause?: unknown): CastoffError {
  return new CastoffError('CONFIG_INVALID', `read the snapshot ${path}: ${reason}`, { cause });
}
