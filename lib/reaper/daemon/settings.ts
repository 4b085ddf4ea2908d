import { CastoffError } from '../../core/errors';
import { defaultMaxRemovals, parseMaxRemovals } from '../reaping/removal-limit';
import { sessionKeys, type ClaimableKeys } from '../leases/claimable-keys';
import { parseGoBool, parseGoDuration } from '../../core/go-duration';

type Parsed<T> = { readonly value: T } | { readonly expected: string };

interface Variable<T> {
  readonly variable: string;
  /** As text; `''`: not set. */
  readonly byDefault: string;
  readonly doc: string;
  /** Returns the value, or a description of valid ones. */
  readonly parse: (text: string) => Parsed<T>;
}

const goDuration = 'a Go duration, such as 500ms, 10s or 1m0s';

const duration = (variable: string, byDefault: string, doc: string): Variable<number> => ({
  variable,
  byDefault,
  doc,
  parse(text) {
    const value = parseGoDuration(text);
    return value === undefined || value < 0 ? { expected: `use ${goDuration}` } : { value };
  },
});

const offset = (variable: string, byDefault: string, doc: string): Variable<number> => ({
  variable,
  byDefault,
  doc,
  parse(text) {
    const value = parseGoDuration(text);
    return value === undefined ? { expected: `use ${goDuration}; a negative one is in the past` } : { value };
  },
});

const wholeNumber = (
  variable: string,
  byDefault: string,
  doc: string,
  [min, max]: readonly [number, number],
): Variable<number> => ({
  variable,
  byDefault,
  doc,
  parse: (text) =>
    /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max
      ? { value: Number(text) }
      : { expected: `use a whole number from ${min} to ${max}` },
});

const choice = (variable: string, byDefault: string, doc: string): Variable<boolean> => ({
  variable,
  byDefault,
  doc,
  parse(text) {
    const value = parseGoBool(text);
    return value === undefined ? { expected: 'use true or false' } : { value };
  },
});

const maxInt32 = 2 ** 31 - 1;
const port = wholeNumber('', '', '', [0, 65_535]);

/** Default TCP port. @see Ryuk */
export const defaultPort = 8080;

/** All environment variables of the reaper: name, default and effect. */
export const reaperVariables = {
  connectionTimeoutMs: duration(
    'RYUK_CONNECTION_TIMEOUT',
    '60s',
    'how long the stand-alone reaper waits for its first client',
  ),
  reconnectionTimeoutMs: duration(
    'RYUK_RECONNECTION_TIMEOUT',
    '10s',
    'how long a Ryuk client may take to reconnect before its claims are reaped',
  ),
  requestTimeoutMs: duration('RYUK_REQUEST_TIMEOUT', '10s', 'timeout of a request to the engine'),
  removeRetries: wholeNumber('RYUK_REMOVE_RETRIES', '10', 'how often a failed removal is retried', [
    0,
    maxInt32,
  ]),
  retryOffsetMs: offset(
    'RYUK_RETRY_OFFSET',
    '-1s',
    'accepted for compatibility with Ryuk; no effect: the reaper lists again until nothing is left',
  ),
  changesRetryIntervalMs: duration(
    'RYUK_CHANGES_RETRY_INTERVAL',
    '1s',
    'pause before listing resources that were created meanwhile',
  ),
  shutdownTimeoutMs: duration(
    'RYUK_SHUTDOWN_TIMEOUT',
    '10m',
    'how long connected clients may stay after SIGTERM',
  ),
  port: {
    variable: 'RYUK_PORT',
    byDefault: '',
    doc: 'TCP port; 0: any free port; default: 8080, or none if the standing reaper has a local socket',
    parse: (text) => (text === '' ? { value: undefined } : port.parse(text)),
  } satisfies Variable<number | undefined>,
  isVerbose: choice('RYUK_VERBOSE', 'false', 'log more'),
  isStrict: {
    variable: 'RYUK_COMPAT',
    byDefault: '',
    doc: 'strict: respond ACK to invalid filter lines, as Ryuk does; they still have no effect',
    parse: (text) =>
      text === 'strict' || text === ''
        ? { value: text === 'strict' }
        : { expected: 'use strict, or nothing' },
  } satisfies Variable<boolean>,
  graceMs: duration(
    'CASTOFF_REAPER_GRACE',
    '0.5s',
    'how long a castoff client may take to reconnect before its claims are reaped',
  ),
  watchMs: {
    variable: 'CASTOFF_REAPER_WATCH',
    byDefault: '',
    doc: 'how long the claims of a dead castoff client are listed again after they were reaped; default: 15s in a container, 60s in a process, 0 in the stand-alone reaper',
    parse(text): Parsed<number | undefined> {
      return text === '' ? { value: undefined } : duration('', '', '').parse(text);
    },
  } satisfies Variable<number | undefined>,
  host: {
    variable: 'CASTOFF_REAPER_HOST',
    byDefault: '',
    doc: 'address to listen at; default: loopback; all addresses in the stand-alone reaper',
    parse: (text) => ({ value: text === '' ? undefined : text }),
  } satisfies Variable<string | undefined>,
  socketPath: {
    variable: 'CASTOFF_REAPER_SOCKET',
    byDefault: '',
    doc: 'local socket (named pipe on Windows) to listen at',
    parse: (text) => ({ value: text === '' ? undefined : text }),
  } satisfies Variable<string | undefined>,
  listenFd: {
    variable: 'CASTOFF_REAPER_LISTEN_FD',
    byDefault: '',
    doc: 'file descriptor of a socket that already listens',
    parse: (text) =>
      text === ''
        ? { value: undefined }
        : /^\d{1,6}$/.test(text) && Number(text) > 2
          ? { value: Number(text) }
          : { expected: 'use the number of a file descriptor, from 3' },
  } satisfies Variable<number | undefined>,
  httpPort: wholeNumber(
    'CASTOFF_REAPER_HTTP_PORT',
    '8081',
    'port of /healthz, /metrics and /sessions of the standing reaper; 0: any free port',
    [0, 65_535],
  ),
  httpHost: {
    variable: 'CASTOFF_REAPER_HTTP_HOST',
    byDefault: '127.0.0.1',
    doc: 'address of that port',
    parse: (text) => ({ value: text }),
  } satisfies Variable<string>,
  token: {
    variable: 'CASTOFF_REAPER_TOKEN',
    byDefault: '',
    doc: 'token that a TCP client must send in its hello first; default: none required',
    parse: (text) => ({ value: text === '' ? undefined : text }),
  } satisfies Variable<string | undefined>,
  tokenFile: {
    variable: 'CASTOFF_REAPER_TOKEN_FILE',
    byDefault: '',
    doc: 'file with the token of the standing reaper',
    parse: (text) => ({ value: text === '' ? undefined : text }),
  } satisfies Variable<string | undefined>,
  maxConnections: wholeNumber(
    'CASTOFF_REAPER_MAX_CONNECTIONS',
    '1000',
    'maximum number of connected clients',
    [1, 100_000],
  ),
  claimableKeys: {
    variable: 'CASTOFF_REAPER_CLAIMABLE_KEYS',
    byDefault: '',
    doc: `comma-separated label keys of which a claim must contain one; any: every key; default: any; in the standing reaper ${sessionKeys.join(', ')}`,
    parse(text): Parsed<ClaimableKeys | undefined> {
      const keys = text.split(',').map((key) => key.trim());
      if (text === '') return { value: undefined };
      if (text === 'any') return { value: text };
      return keys.includes('') ? { expected: 'use comma-separated label keys, or any' } : { value: keys };
    },
  } satisfies Variable<ClaimableKeys | undefined>,
  maxRemovals: {
    variable: 'CASTOFF_REAPER_MAX_REMOVALS',
    byDefault: String(defaultMaxRemovals),
    doc: 'maximum number of resources that one reaping removes; more are taken for a mistake; none: no limit',
    parse(text) {
      const value = parseMaxRemovals(text);
      return value === undefined ? { expected: 'use a whole number from 1, or none' } : { value };
    },
  } satisfies Variable<number>,
  isDryRun: choice('CASTOFF_REAPER_DRY_RUN', 'false', 'only log what would be removed'),
} as const;

type Table = typeof reaperVariables;

/** Settings of a reaper. Times are in milliseconds. */
export type ReaperSettings = {
  readonly [Key in keyof Table]: Table[Key] extends { parse: (text: string) => infer Result }
    ? Extract<Result, { value: unknown }>['value']
    : never;
};

/**
 * Returns the settings in `environment`, with defaults for the others. An empty variable counts as not set.
 *
 * @throws CastoffError `CONFIG_INVALID` naming the variable, its value and valid values.
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): ReaperSettings {
  const entries = Object.entries(reaperVariables).map(([key, entry]) => {
    const { variable, byDefault, parse }: Variable<unknown> = entry;
    const given = environment[variable];
    const text = given === undefined || given === '' ? byDefault : given;
    const parsed = parse(text);
    if ('value' in parsed) return [key, parsed.value];
    throw new CastoffError('CONFIG_INVALID', `${variable}: got ${JSON.stringify(text)}; ${parsed.expected}`);
  });
  return Object.fromEntries(entries) as ReaperSettings;
}
