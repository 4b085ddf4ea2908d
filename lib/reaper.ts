import { checkOptionNames, type OptionNames } from './core/option-names';
import { checkDuration } from './core/durations';
import { CastoffError } from './core/errors';
import { connectEngine } from './engine/connect';
import { reapOnEngine } from './reaper/daemon/engine-reap';
import type { ReaperEnd } from './reaper/reaping/lease-table';
import { listenTcp } from './reaper/daemon/listen-tcp';
import { listenLocally } from './wire/local-socket';
import type { Observer } from './reaper/reaping/observer';
import { ReaperServer } from './reaper/daemon/server';
import { readSettings, type ReaperSettings } from './reaper/daemon/settings';
import type { ReaperSnapshot } from './reaper/daemon/snapshot';

export interface ReaperOptions {
  /** A TCP port (0: any that is free) at loopback or `host`; or the path of a local socket, on Windows a named pipe. */
  readonly listen: { readonly port: number; readonly host?: string | undefined } | { readonly path: string };
  /** The engine's address, as `DOCKER_HOST` spells it. Default: the one that the environment names. */
  readonly engine?: string | undefined;
  /** How long the return of a castoff client is waited for, in milliseconds. Default 500. */
  readonly graceMs?: number | undefined;
  /** How long the return of a Ryuk client is waited for, in milliseconds. Default 10 000. */
  readonly reconnectionTimeoutMs?: number | undefined;
  /** How long `close` waits for clients that are still there, in milliseconds. Default 600 000. */
  readonly shutdownTimeoutMs?: number | undefined;
  /** What a client that comes over TCP has to show first. Default: nothing. */
  readonly token?: string | undefined;
  /** The label keys of which a claim must name one; `any`: every key. Default: the keys that name a session. */
  readonly claimableKeys?: readonly string[] | 'any' | undefined;
  /** Whether it only says what it would remove. Default false. */
  readonly isDryRun?: boolean | undefined;
  /** Told of everything that happens. */
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
  /** Where it listens: `127.0.0.1:40123`, or the path. */
  readonly address: string;
  /** Who holds what, what is being reaped, and what has been, at this moment. */
  snapshot(): ReaperSnapshot;
  /**
   * Lets nobody new in, waits for those that are there, reaps what they held, and resolves to what the reaper's life came to.
   * Several calls share one end.
   */
  close(): Promise<ReaperEnd>;
}

/**
 * Opens a reaper in this process: it speaks Ryuk's protocol and castoff's own, and reaps on the engine what a client claimed
 * that has gone. It lives until it is closed, and dies with the process: what is to outlive that needs a reaper of its own.
 *
 * @throws CastoffError `CONFIG_INVALID` for an option that cannot be used; `REAPER_UNAVAILABLE` where another reaper listens at
 * that path.
 */
export async function openReaper(options: ReaperOptions): Promise<Reaper> {
  checkOptionNames('openReaper', options, names);
  const settings = settingsOf(options);
  const { listen, engine, observe = () => undefined } = options;
  const server = new ReaperServer({
    mode: 'standing',
    settings,
    reap: reapOnEngine({ mode: 'standing', settings, observe, connect: () => connectEngine(engine) }),
    observe,
  });
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
      `listen at ${path}: another reaper serves there; connect to that one`,
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

function settingsOf(options: ReaperOptions): ReaperSettings {
  const { graceMs, reconnectionTimeoutMs, shutdownTimeoutMs, token, claimableKeys, isDryRun } = options;
  const defaults = readSettings({});
  return {
    ...defaults,
    graceMs: durationOr('graceMs', graceMs, defaults.graceMs),
    reconnectionTimeoutMs: durationOr(
      'reconnectionTimeoutMs',
      reconnectionTimeoutMs,
      defaults.reconnectionTimeoutMs,
    ),
    shutdownTimeoutMs: durationOr('shutdownTimeoutMs', shutdownTimeoutMs, defaults.shutdownTimeoutMs),
    token,
    claimableKeys,
    isDryRun: isDryRun ?? false,
  };
}

function durationOr(name: string, ms: number | undefined, byDefault: number): number {
  return ms === undefined ? byDefault : checkDuration(name, ms);
}
