import { readFile } from 'node:fs/promises';
import { CastoffError, messageOf } from '../../core/errors';
import {
  anyText,
  goBool,
  goDuration,
  goOffset,
  longDuration,
  readVariables,
  wholeNumber,
  type Parser,
  type ValuesOf,
  type Variable,
} from '../../core/variable';
import { sessionKeys, type ClaimableKeys } from '../leases/reaper-mode';
import { defaultMaxRemovals, parseMaxRemovals } from '../reaping/removal-limit';

/** Default TCP port. @see Ryuk */
export const defaultPort = 8080;

const maxInt32 = 2 ** 31 - 1;
const port = wholeNumber(0, 65_535);

const strict: Parser<boolean> = {
  advice: 'use strict, or nothing',
  parse: (text) => (text === 'strict' || text === '' ? text === 'strict' : undefined),
};

const descriptor: Parser<number> = {
  advice: 'use the number of a file descriptor, from 3',
  parse: (text) => (/^\d{1,6}$/.test(text) && Number(text) > 2 ? Number(text) : undefined),
};

const labelKeys: Parser<ClaimableKeys> = {
  advice: 'use comma-separated label keys, or any',
  parse(text) {
    if (text === 'any') return text;
    const keys = text.split(',').map((key) => key.trim());
    return keys.includes('') ? undefined : keys;
  },
};

const removalCount: Parser<number> = {
  advice: 'use a whole number from 1, or none',
  parse: parseMaxRemovals,
};

/** All environment variables of the reaper. */
export const reaperVariables = {
  connectionTimeoutMs: {
    variable: 'RYUK_CONNECTION_TIMEOUT',
    byDefault: '60s',
    parser: goDuration,
    doc: 'in place of Ryuk: how long to wait for the first client',
  },
  reconnectionTimeoutMs: {
    variable: 'RYUK_RECONNECTION_TIMEOUT',
    byDefault: '10s',
    parser: goDuration,
    doc: 'how long a Ryuk client may take to reconnect before its claims are reaped',
  },
  requestTimeoutMs: {
    variable: 'RYUK_REQUEST_TIMEOUT',
    byDefault: '10s',
    parser: goDuration,
    doc: 'timeout of a request to the engine',
  },
  removeRetries: {
    variable: 'RYUK_REMOVE_RETRIES',
    byDefault: '10',
    parser: wholeNumber(0, maxInt32),
    doc: 'how often a failed removal is retried',
  },
  retryOffsetMs: {
    variable: 'RYUK_RETRY_OFFSET',
    byDefault: '-1s',
    parser: goOffset,
    doc: 'accepted for compatibility with Ryuk; no effect: the reaper lists again until nothing is left',
  },
  changesRetryIntervalMs: {
    variable: 'RYUK_CHANGES_RETRY_INTERVAL',
    byDefault: '1s',
    parser: goDuration,
    doc: 'pause before listing resources that were created meanwhile',
  },
  shutdownTimeoutMs: {
    variable: 'RYUK_SHUTDOWN_TIMEOUT',
    byDefault: '10m',
    parser: goDuration,
    doc: 'how long connected clients may stay after SIGTERM',
  },
  port: {
    variable: 'RYUK_PORT',
    parser: port,
    doc: `TCP port; 0: any free port; default: ${defaultPort}, or none if the daemon has a local socket`,
  },
  isVerbose: { variable: 'RYUK_VERBOSE', byDefault: 'false', parser: goBool, doc: 'log more' },
  isStrict: {
    variable: 'RYUK_COMPAT',
    byDefault: '',
    parser: strict,
    doc: 'strict: respond ACK to invalid filter lines, as Ryuk does; they still have no effect',
  },
  graceMs: {
    variable: 'CASTOFF_REAPER_GRACE',
    byDefault: '0.5s',
    parser: goDuration,
    doc: 'how long a castoff client may take to reconnect before its claims are reaped',
  },
  watchMs: {
    variable: 'CASTOFF_REAPER_WATCH',
    parser: goDuration,
    doc: 'how long the claims of a dead castoff client are listed again after they were reaped; default: 15s in a container, 60s in a process, 0 in place of Ryuk',
  },
  host: {
    variable: 'CASTOFF_REAPER_HOST',
    parser: anyText,
    doc: 'address to listen at; default: loopback; all addresses in place of Ryuk',
  },
  socketPath: {
    variable: 'CASTOFF_REAPER_SOCKET',
    parser: anyText,
    doc: 'local socket (named pipe on Windows) to listen at',
  },
  listenFd: {
    variable: 'CASTOFF_REAPER_LISTEN_FD',
    parser: descriptor,
    doc: 'file descriptor of a socket that already listens',
  },
  httpPort: {
    variable: 'CASTOFF_REAPER_HTTP_PORT',
    byDefault: '8081',
    parser: port,
    doc: 'port of /healthz, /metrics and /sessions of the daemon; 0: any free port',
  },
  httpHost: {
    variable: 'CASTOFF_REAPER_HTTP_HOST',
    byDefault: '127.0.0.1',
    parser: anyText,
    doc: 'address of that port',
  },
  token: {
    variable: 'CASTOFF_REAPER_TOKEN',
    parser: anyText,
    doc: 'token that a TCP client must send in its hello first; default: none required',
  },
  tokenFile: {
    variable: 'CASTOFF_REAPER_TOKEN_FILE',
    parser: anyText,
    doc: 'file with the token of the daemon',
  },
  maxConnections: {
    variable: 'CASTOFF_REAPER_MAX_CONNECTIONS',
    byDefault: '1000',
    parser: wholeNumber(1, 100_000),
    doc: 'maximum number of connected clients',
  },
  claimableKeys: {
    variable: 'CASTOFF_REAPER_CLAIMABLE_KEYS',
    parser: labelKeys,
    doc: `comma-separated label keys of which a claim must contain one; any: every key; default: any; in the daemon ${sessionKeys.join(', ')}`,
  },
  maxRemovals: {
    variable: 'CASTOFF_REAPER_MAX_REMOVALS',
    byDefault: String(defaultMaxRemovals),
    parser: removalCount,
    doc: 'maximum number of resources that one reaping removes; more are taken for a mistake; none: no limit',
  },
  sweepEveryMs: {
    variable: 'CASTOFF_REAPER_SWEEP_EVERY',
    parser: longDuration,
    doc: 'how often castoff reaper run removes what provably dead owners left, as castoff sweep does; default: never',
  },
  maxLeaseAgeMs: {
    variable: 'CASTOFF_REAPER_MAX_LEASE_AGE',
    parser: longDuration,
    doc: 'age at which a client is disconnected: one that is alive connects again and keeps its resources; default: none',
  },
  isDryRun: {
    variable: 'CASTOFF_REAPER_DRY_RUN',
    byDefault: 'false',
    parser: goBool,
    doc: 'only log what would be removed',
  },
} as const satisfies Readonly<Record<string, Variable<unknown>>>;

/** Settings of a reaper. Times are in milliseconds. */
export type ReaperSettings = ValuesOf<typeof reaperVariables>;

/**
 * Returns the settings in `environment`, with defaults for the others. `nameOf`: see {@link readVariables}.
 *
 * @throws CastoffError `CONFIG_INVALID` as {@link readVariables} does.
 */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>>,
  nameOf?: (variable: string) => string,
): ReaperSettings {
  return readVariables(reaperVariables, environment, nameOf);
}

/**
 * Resolves to the settings with the token from their `tokenFile`, if set: the file's trimmed text.
 *
 * @throws CastoffError `CONFIG_INVALID` when a token is set as well, or the file is empty or unreadable.
 */
export async function withTokenOfFile(settings: ReaperSettings): Promise<ReaperSettings> {
  const { tokenFile } = settings;
  if (tokenFile === undefined) return settings;
  const refuse = (reason: string, cause?: unknown) =>
    new CastoffError('CONFIG_INVALID', `read the token in ${tokenFile}: ${reason}`, { cause });
  if (settings.token !== undefined) throw refuse('CASTOFF_REAPER_TOKEN is set, too; set one of the two');
  const token = await readFile(tokenFile, 'utf8').catch((error: unknown) => {
    throw refuse(messageOf(error), error);
  });
  if (token.trim() === '') throw refuse('it is empty');
  return { ...settings, token: token.trim() };
}
