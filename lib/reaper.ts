import { checkOptionNames, type OptionNames } from './core/option-names';
import { checkDuration } from './core/durations';
import { CastoffError } from './core/errors';
import { connectEngine } from './engine/connect';
import type { ReaperEnd } from './reaper/reaping/lease-table';
import { listenTcp } from './reaper/daemon/listen-tcp';
import { listenLocally } from './wire/local-socket';
import type { Observer } from './reaper/reaping/observer';
import { ReaperServer } from './reaper/daemon/server';
import { readSettings, type ReaperSettings } from './reaper/daemon/settings';
import type { ReaperSnapshot } from './reaper/daemon/snapshot';

/** Options of `openReaper`. */
export interface ReaperOptions {
  /**
   * A TCP port (0: any free port) at `host`, loopback by default; or the path of a local socket, on Windows a
   * named pipe.
   */
  readonly listen: { readonly port: number; readonly host?: string | undefined } | { readonly path: string };
  /** The engine's address, written as in `DOCKER_HOST`. Default: found from the environment. */
  readonly engine?: string | undefined;
  /** Grace period for castoff clients to reconnect, in milliseconds. Default 500. */
  readonly graceMs?: number | undefined;
  /** Grace period for Ryuk clients to reconnect, in milliseconds. Default 10 000. */
  readonly reconnectionTimeoutMs?: number | undefined;
  /** How long `close` waits for connected clients, in milliseconds. Default 600 000. */
  readonly shutdownTimeoutMs?: number | undefined;
  /** Token that TCP clients must send. Default: none required. */
  readonly token?: string | undefined;
  /**
   * Label keys of which a claim must contain one; `any` accepts every key. Default: keys that identify a
   * session.
   */
  readonly claimableKeys?: readonly string[] | 'any' | undefined;
  /** Only reports what would be removed. Default false. */
  readonly isDryRun?: boolean | undefined;
  /** Called with every event. */
  readonly observe?: Observer | undefined;
}

const names: OptionNames<ReaperOptions> = {
  listen: true,
  engine: true,
  graceMs: true,
  reconnectionTimeoutMs: true,
  shutdownTimeoutMs: true,
  token: true,
  claimableKeys: true,
  isDryRun: true,
  observe: true,
};

/** A reaper in this process. */
export interface Reaper extends AsyncDisposable {
  /** The address that it listens at: `127.0.0.1:40123`, or the path. */
  readonly address: string;
  /** Returns the current leases and claims, and totals of the reapings so far. */
  snapshot(): ReaperSnapshot;
  /**
   * Accepts no new clients, waits for connected ones, and reaps their claims. Resolves to a summary of the
   * reaper's whole run. Idempotent.
   */
  close(): Promise<ReaperEnd>;
}

/**
 * Opens a reaper in this process. It speaks Ryuk's protocol and castoff's own, and reaps the claims of
 * clients that disconnect. It runs until it is closed, and dies with the process: to clean up after this
 * process, use a separate reaper.
 *
 * @throws CastoffError `CONFIG_INVALID` for an invalid option; `REAPER_UNAVAILABLE` when another reaper
 * listens at the path.
 */
export async function openReaper(options: ReaperOptions): Promise<Reaper> {
  checkOptionNames('openReaper', options, names);
  const settings = resolveSettings(options);
  const { listen, engine, observe } = options;
  const connect = () => connectEngine(engine);
  const server = new ReaperServer({ mode: 'daemon', settings, connect, observe });
  const address =
    'path' in listen
      ? await server.serve(listenLocally(listen.path), { isTrusted: true })
      : await server.serve(listenTcp({ host: listen.host ?? '127.0.0.1', port: listen.port }), {
          isTrusted: false,
        });
  if (address === undefined) {
    const path = 'path' in listen ? listen.path : '';
    throw new CastoffError(
      'REAPER_UNAVAILABLE',
      `listen at ${path}: another reaper already serves there; connect to it`,
    );
  }
  const close = (): Promise<ReaperEnd> => {
    server.drain('close');
    return server.ended;
  };
  return {
    address,
    snapshot: () => server.snapshot(),
    close,
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
}

function resolveSettings(options: ReaperOptions): ReaperSettings {
  const defaults = readSettings({});
  const { token, claimableKeys, isDryRun = false } = options;
  const {
    graceMs = defaults.graceMs,
    reconnectionTimeoutMs = defaults.reconnectionTimeoutMs,
    shutdownTimeoutMs = defaults.shutdownTimeoutMs,
  } = options;
  return {
    ...defaults,
    graceMs: checkDuration('graceMs', graceMs),
    reconnectionTimeoutMs: checkDuration('reconnectionTimeoutMs', reconnectionTimeoutMs),
    shutdownTimeoutMs: checkDuration('shutdownTimeoutMs', shutdownTimeoutMs),
    token,
    claimableKeys,
    isDryRun,
  };
}
