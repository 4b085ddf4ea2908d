import { CastoffError } from '../../core/errors';
import { defaultMaxRemovals, parseMaxRemovals } from '../reaping/removal-limit';
import { sessionKeys, type ClaimableKeys } from '../leases/claimable-keys';
import { parseGoBool, parseGoDuration } from '../../core/go-duration';

type Parsed<T> = { readonly value: T } | { readonly wanted: string };

interface Variable<T> {
  readonly variable: string;
  /** As it would be given; `''`: not set. */
  readonly byDefault: string;
  readonly doc: string;
  /** The value, or what would have been one. */
  readonly parse: (text: string) => Parsed<T>;
}

const goTime = 'as Go writes it: 500ms, 10s, 1m0s';

const duration = (variable: string, byDefault: string, doc: string): Variable<number> => ({
  variable,
  byDefault,
  doc,
  parse(text) {
    const value = parseGoDuration(text);
    return value === undefined || value < 0 ? { wanted: `give a time ${goTime}` } : { value };
  },
});

const offset = (variable: string, byDefault: string, doc: string): Variable<number> => ({
  variable,
  byDefault,
  doc,
  parse(text) {
    const value = parseGoDuration(text);
    return value === undefined
      ? { wanted: `give a time ${goTime}; a negative one lies in the past` }
      : { value };
  },
});

const wholeNumber = (
  variable: string,
  byDefault: string,
  doc: string,
  [least, most]: readonly [number, number],
): Variable<number> => ({
  variable,
  byDefault,
  doc,
  parse: (text) =>
    /^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most
      ? { value: Number(text) }
      : { wanted: `give a whole number from ${least} to ${most}` },
});

const choice = (variable: string, byDefault: string, doc: string): Variable<boolean> => ({
  variable,
  byDefault,
  doc,
  parse(text) {
    const value = parseGoBool(text);
    return value === undefined ? { wanted: 'give true or false' } : { value };
  },
});

const most = 2 ** 31 - 1;
const port = wholeNumber('', '', '', [0, 65_535]);

/** Where a reaper with a TCP port listens unless told otherwise. @see Ryuk */
export const defaultPort = 8080;

/** Every environment variable that the reaper reads: name, default and what it does. */
export const reaperVariables = {
  connectionTimeoutMs: duration(
    'RYUK_CONNECTION_TIMEOUT',
    '60s',
    'how long the stand-alone reaper waits for its first client',
  ),
  reconnectionTimeoutMs: duration(
    'RYUK_RECONNECTION_TIMEOUT',
    '10s',
    'how long the return of a Ryuk client is waited for before what it claimed is reaped',
  ),
  requestTimeoutMs: duration('RYUK_REQUEST_TIMEOUT', '10s', 'how long an answer of the engine is waited for'),
  removeRetries: wholeNumber(
    'RYUK_REMOVE_RETRIES',
    '10',
    'how often a thing that cannot be removed is tried again',
    [0, most],
  ),
  retryOffsetMs: offset(
    'RYUK_RETRY_OFFSET',
    '-1s',
    'taken as Ryuk takes it, without effect: a pass looks again until it finds nothing',
  ),
  changesRetryIntervalMs: duration(
    'RYUK_CHANGES_RETRY_INTERVAL',
    '1s',
    'the pause before a look for what was created meanwhile',
  ),
  shutdownTimeoutMs: duration(
    'RYUK_SHUTDOWN_TIMEOUT',
    '10m',
    'how long clients that are still connected are waited for after SIGTERM',
  ),
  port: {
    variable: 'RYUK_PORT',
    byDefault: '',
    doc: 'the TCP port; 0: any that is free; default: 8080, and none in the standing reaper where it has a local socket',
    parse: (text) => (text === '' ? { value: undefined } : port.parse(text)),
  } satisfies Variable<number | undefined>,
  isVerbose: choice('RYUK_VERBOSE', 'false', 'whether more is written to the log'),
  isStrict: {
    variable: 'RYUK_COMPAT',
    byDefault: '',
    doc: 'strict: a filter line that cannot be used is answered ACK, as the original does; it is not acted on',
    parse: (text) =>
      text === 'strict' || text === '' ? { value: text === 'strict' } : { wanted: 'give strict, or nothing' },
  } satisfies Variable<boolean>,
  graceMs: duration(
    'CASTOFF_REAPER_GRACE',
    '0.5s',
    'how long the return of a castoff client is waited for before what it claimed is reaped',
  ),
  watchMs: {
    variable: 'CASTOFF_REAPER_WATCH',
    byDefault: '',
    doc: 'how long what a castoff client that died had claimed is looked for again after it was reaped; default: 15s in a container, 60s in a process, never in the stand-alone reaper',
    parse(text): Parsed<number | undefined> {
      return text === '' ? { value: undefined } : duration('', '', '').parse(text);
    },
  } satisfies Variable<number | undefined>,
  host: {
    variable: 'CASTOFF_REAPER_HOST',
    byDefault: '',
    doc: 'the address to listen at; default: loopback, in the stand-alone reaper every address',
    parse: (text) => ({ value: text === '' ? undefined : text }),
  } satisfies Variable<string | undefined>,
  socketPath: {
    variable: 'CASTOFF_REAPER_SOCKET',
    byDefault: '',
    doc: 'the local socket (on Windows the named pipe) to listen at',
    parse: (text) => ({ value: text === '' ? undefined : text }),
  } satisfies Variable<string | undefined>,
  listenFd: {
    variable: 'CASTOFF_REAPER_LISTEN_FD',
    byDefault: '',
    doc: 'the file descriptor of a socket that listens already',
    parse: (text) =>
      text === ''
        ? { value: undefined }
        : /^\d{1,6}$/.test(text) && Number(text) > 2
          ? { value: Number(text) }
          : { wanted: 'give the number of a file descriptor, from 3' },
  } satisfies Variable<number | undefined>,
  httpPort: wholeNumber(
    'CASTOFF_REAPER_HTTP_PORT',
    '8081',
    'the port of /healthz, /metrics and /sessions of the standing reaper; 0: any that is free',
    [0, 65_535],
  ),
  httpHost: {
    variable: 'CASTOFF_REAPER_HTTP_HOST',
    byDefault: '127.0.0.1',
    doc: 'the address that these listen at',
    parse: (text) => ({ value: text }),
  } satisfies Variable<string>,
  token: {
    variable: 'CASTOFF_REAPER_TOKEN',
    byDefault: '',
    doc: 'what a client that comes over TCP has to show in its hello before anything else; default: nothing',
    parse: (text) => ({ value: text === '' ? undefined : text }),
  } satisfies Variable<string | undefined>,
  tokenFile: {
    variable: 'CASTOFF_REAPER_TOKEN_FILE',
    byDefault: '',
    doc: 'the file that the token of the standing reaper stands in',
    parse: (text) => ({ value: text === '' ? undefined : text }),
  } satisfies Variable<string | undefined>,
  maxConnections: wholeNumber(
    'CASTOFF_REAPER_MAX_CONNECTIONS',
    '1000',
    'how many clients there may be at once',
    [1, 100_000],
  ),
  claimableKeys: {
    variable: 'CASTOFF_REAPER_CLAIMABLE_KEYS',
    byDefault: '',
    doc: `the label keys, with commas between, of which a claim has to name one; any: every key; default: any, and in the standing reaper ${sessionKeys.join(', ')}`,
    parse(text): Parsed<ClaimableKeys | undefined> {
      const keys = text.split(',').map((key) => key.trim());
      if (text === '') return { value: undefined };
      if (text === 'any') return { value: text };
      return keys.includes('') ? { wanted: 'give label keys with commas between, or any' } : { value: keys };
    },
  } satisfies Variable<ClaimableKeys | undefined>,
  maxRemovals: {
    variable: 'CASTOFF_REAPER_MAX_REMOVALS',
    byDefault: String(defaultMaxRemovals),
    doc: 'how many things one reaping may remove; more are taken for a mistake; none: no such limit',
    parse(text) {
      const value = parseMaxRemovals(text);
      return value === undefined ? { wanted: 'give a whole number from 1, or none' } : { value };
    },
  } satisfies Variable<number>,
  isDryRun: choice('CASTOFF_REAPER_DRY_RUN', 'false', 'whether it only says what it would remove'),
} as const;

type Table = typeof reaperVariables;

/** How a reaper behaves. Times are in milliseconds. */
export type ReaperSettings = {
  readonly [Key in keyof Table]: Table[Key] extends { parse: (text: string) => infer Result }
    ? Extract<Result, { value: unknown }>['value']
    : never;
};

/**
 * The settings that `environment` holds, with the defaults for what it does not name. An empty variable is one not set.
 *
 * @throws CastoffError `CONFIG_INVALID` naming the variable, its value, and what is wanted.
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): ReaperSettings {
  const entries = Object.entries(reaperVariables).map(([key, entry]) => {
    const { variable, byDefault, parse }: Variable<unknown> = entry;
    const given = environment[variable];
    const text = given === undefined || given === '' ? byDefault : given;
    const parsed = parse(text);
    if ('value' in parsed) return [key, parsed.value];
    throw new CastoffError('CONFIG_INVALID', `${variable}: got ${JSON.stringify(text)}; ${parsed.wanted}`);
  });
  return Object.fromEntries(entries) as ReaperSettings;
}
