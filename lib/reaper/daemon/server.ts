import { createServer, type Socket } from 'node:net';
import { maxTimerMs } from '../../core/durations';
import { formatGoDuration } from '../../core/go-duration';
import type { Readable, Writable } from 'node:stream';
import type { Engine } from '../../engine/engine';
import { Connection, type ConnectionOptions } from '../protocol/connection';
import { LeaseTable, type ReaperEnd } from '../reaping/lease-table';
import type { Listen } from '../../wire/local-socket';
import { endWithin } from '../../wire/end-within';
import type { ClientStreams } from '../../wire/served-client';
import { latePauses, modeDefaults, type ReaperMode } from '../leases/reaper-mode';
import type { Observer } from '../reaping/observer';
import { ConnectionLimit } from './connection-limit';
import { alsoEndProcesses } from './end-processes';
import { reapOnEngine } from './engine-reap';
import type { ReaperSettings } from './settings';
import { takeReaperSnapshot, type ReaperSnapshot } from './snapshot';

/** Options of a reaper server. `connect` defaults to the engine of the environment. */
interface ServerOptions {
  readonly mode: ReaperMode;
  readonly settings: ReaperSettings;
  readonly connect?: (() => Promise<Engine>) | undefined;
  readonly observe?: Observer | undefined;
}

/** How the clients of one listener are treated. */
export interface Listener {
  /** Its clients need no token. */
  readonly isTrusted: boolean;
  /** Called at each hello. Resolves to the reason why no client can be served, if any. */
  readonly unavailableReason?: (() => Promise<string | undefined>) | undefined;
}

/** Detects hosts that vanish. Go's default, and so Ryuk's. */
const keepAliveMs = 15_000;

/** The listeners, their connections and the lease table. Listens only after `serve` or `attach`. */
export class ReaperServer {
  /** Resolves when the reaper has shut down, with all listeners and connections closed. */
  readonly ended: Promise<ReaperEnd>;
  readonly #options: ServerOptions;
  readonly #observe: Observer;
  readonly #leases: LeaseTable;
  readonly #connections: ConnectionLimit;
  readonly #closers: (() => void)[] = [];
  #acceptedCount = 0;

  constructor(options: ServerOptions) {
    const { mode, settings, connect, observe = () => undefined } = options;
    this.#options = options;
    this.#observe = observe;
    this.#connections = new ConnectionLimit(settings.maxConnections);
    const onLeasesDropped = (): void => this.#connections.dismissAll();
    const onEngine = reapOnEngine({ mode, settings, observe, connect });
    // Only a host process runs beside its clients, as the same user, and listens to no one else.
    const endsProcesses = mode === 'host' && !settings.isDryRun;
    this.#leases = new LeaseTable({
      mode,
      limits: settings,
      ...onEngine,
      reap: endsProcesses ? alsoEndProcesses(onEngine.reap, observe) : onEngine.reap,
      observe,
      onLeasesDropped,
    });
    this.ended = this.#leases.ended.then((end) => {
      this.#closeListeners();
      this.#connections.dismissAll();
      return end;
    });
  }

  /**
   * Serves one client, connected to the process's standard input and output. No other client can connect
   * afterwards.
   *
   * @param unavailableReason - Called at its hello. Resolves to the reason why it cannot be served, if any.
   */
  attach(input: Readable, output: Writable, unavailableReason?: () => Promise<string | undefined>): void {
    const endInput = () => this.#leases.endInput();
    const reactions = { unavailableReason, onClosed: endInput, onBye: endInput };
    this.#serve({ input, output }, { from: 'stdin', hasPreamble: true, isTrusted: true, ...reactions });
  }

  /**
   * Serves the clients that connect through `listen`. Resolves to the address; `undefined` if another process
   * serves there.
   *
   * @throws Errors of `listen`.
   */
  async serve(listen: Listen, listener: Listener): Promise<string | undefined> {
    const server = createServer({
      // A client that has ended its output may still wait for a response.
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
    });
    server.on('connection', (socket: Socket) => this.#accept(socket, listener));
    const listening = await listen(server);
    if (listening === undefined) return undefined;
    const { where, close } = listening;
    // EMFILE: one connection could not be accepted; the next may be.
    server.on('error', (error) =>
      this.#observe({ type: 'noted', text: `accept a client at ${where}: ${error.message}` }),
    );
    this.#closers.push(() => {
      close?.();
      server.close();
    });
    if (this.#leases.isDraining) this.#closeListeners();
    this.#observe({ type: 'listening', where });
    return where;
  }

  /** Accepts no new clients. Shuts down when the last one has left, at most the shutdown timeout later. */
  drain(why: string): void {
    this.#closeListeners();
    this.#leases.drain(why);
  }

  snapshot(): ReaperSnapshot {
    return takeReaperSnapshot({
      ...this.#leases.view(),
      mode: this.#options.mode,
      connections: this.#connections.size,
    });
  }

  #accept(socket: Socket, listener: Listener): void {
    this.#acceptedCount += 1;
    const { remoteAddress, remotePort } = socket;
    const from =
      remoteAddress === undefined ? `socket ${this.#acceptedCount}` : `${remoteAddress}:${remotePort}`;
    // Without a response, like Ryuk: the client retries, and gets another reaper.
    if (this.#leases.isDraining) {
      socket.destroy();
      return;
    }
    if (!this.#connections.admit(remoteAddress)) {
      const reason = `${this.#connections.size} clients are connected already`;
      this.#observe({ type: 'connection-refused', from, reason });
      socket.on('error', () => undefined);
      endWithin(socket, { text: `NACK ${reason}\n`, timeoutMs: 1_000, onEnd: () => socket.destroy() });
      return;
    }
    this.#serve({ input: socket, output: socket }, { ...listener, from, host: remoteAddress });
  }

  #serve(
    streams: ClientStreams,
    client: Pick<ConnectionOptions, 'from' | 'hasPreamble' | 'onBye' | 'unavailableReason'> & {
      readonly isTrusted: boolean;
      readonly host?: string | undefined;
      readonly onClosed?: () => void;
    },
  ): void {
    const { mode, settings } = this.#options;
    const { from } = client;
    const { maxLeaseAgeMs } = settings;
    const defaults = modeDefaults[mode];
    const connection = new Connection(streams, {
      ...settings,
      ...client,
      leases: this.#leases,
      observe: this.#observe,
      claimableKeys: settings.claimableKeys ?? defaults.claimableKeys,
      latePausesMs: latePauses(settings.watchMs ?? defaults.watchMs),
      token: client.isTrusted ? undefined : settings.token,
      onForeign: (reason) => this.#observe({ type: 'connection-refused', from, reason }),
      onClosed: () => {
        clearTimeout(ageing);
        this.#connections.remove(connection);
        this.#observe({ type: 'connection-closed', from, connections: this.#connections.size });
        this.#leases.touch();
        client.onClosed?.();
      },
    });
    // A castoff client that is alive takes a new lease within the grace period.
    const ageing =
      maxLeaseAgeMs === undefined
        ? undefined
        : setTimeout(
            () => {
              const age = formatGoDuration(maxLeaseAgeMs);
              this.#observe({ type: 'noted', text: `disconnect ${from}: its lease is ${age} old` });
              connection.dismiss();
            },
            Math.min(maxLeaseAgeMs, maxTimerMs),
          ).unref();
    this.#connections.add(connection, client.host);
    this.#observe({ type: 'connection-opened', from, connections: this.#connections.size });
    this.#leases.touch();
  }

  #closeListeners(): void {
    for (const close of this.#closers.splice(0)) close();
  }
}
