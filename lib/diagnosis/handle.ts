/** The kinds of handles, and the plural of each. */
export const handleKinds = {
  timeout: 'timeouts',
  interval: 'intervals',
  immediate: 'immediates',
  server: 'servers',
  connection: 'connections',
  'UDP socket': 'UDP sockets',
  pipe: 'pipes',
  'child process': 'child processes',
  'file watcher': 'file watchers',
  worker: 'workers',
  'message port': 'message ports',
  'broadcast channel': 'broadcast channels',
  'standard input': 'readers of standard input',
  task: 'tasks',
} as const satisfies Readonly<Record<string, string>>;

/** One of {@link handleKinds}. */
export type HandleKind = keyof typeof handleKinds;

/**
 * Handles of one kind that one line of one owner opened and that are still open. Plain data, which survives
 * JSON.
 */
export interface Handle {
  readonly kind: HandleKind;
  /** For people: `interval of 50 ms`, `server listening on :4123`. */
  readonly what: string;
  /** The user's line that opened it, as `file:line`. */
  readonly source: string | undefined;
  /** Name of the owning context: `db.spec.ts/users/inserts`. */
  readonly scope: string;
  /** Full name of the owning test. */
  readonly test: string | undefined;
  /** When the oldest was opened, as RFC 3339. */
  readonly createdAt: string;
  readonly count: number;
}

/** The owner of what the running code opens. */
export interface HandleOwner {
  readonly scope: string;
  readonly test?: string | undefined;
  /** The line to report for a handle whose stack has no line of the user. */
  readonly source?: string | undefined;
}

/** Formats handles on one line: `3 × interval of 50 ms, opened at db.spec.ts:12`. */
export function formatHandle({ what, source, count }: Pick<Handle, 'what' | 'source' | 'count'>): string {
  const line = source === undefined ? '' : `, opened at ${source}`;
  return `${count === 1 ? '' : `${count} × `}${what}${line}`;
}
