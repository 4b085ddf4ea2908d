import { createServer, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { claimableKeysIn } from '../leases/claimable-keys';
import { Connection, type ConnectionOptions, type Ends } from '../protocol/connection';
import { LeaseTable, type ReaperEnd } from '../reaping/lease-table';
import type { Listen } from '../../wire/local-socket';
import { endWithin } from '../../wire/end-within';
import { latePauses } from '../leases/late-pauses';
import type { ReaperMode } from '../leases/shutdown-policy';
import type { Observer } from '../reaping/observer';
import type { Reap } from '../reaping/reap-jobs';
import { ConnectionLimit } from './connection-limit';
import type { ReaperSettings } from './settings';
import { takeSnapshot, type ReaperSnapshot } from './snapshot';

export interface ServerOptions {
  readonly mode: ReaperMode;
  readonly settings: ServerSettings;
  readonly reap: Reap;
  readonly observe?: Observer | undefined;
}

export type ServerSettings = Pick<
  ReaperSettings,
  | 'claimableKeys'
  | 'connectionTimeoutMs'
  | 'graceMs'
  | 'isStrict'
  | 'maxConnections'
  | 'reconnectionTimeoutMs'
  | 'shutdownTimeoutMs'
  | 'token'
  | 'watchMs'
>;

/** How those who come one way are received. */
export interface Listener {
  /** Who can come at all may come without the token. */
  readonly isTrusted: boolean;
  /** Asked at each hello: why no client can be served here, if so. */
  readonly unavailableReason?: (() => Promise<string | undefined>) | undefined;
}

/** Told when a client's host vanishes without a word; Go's default, which the original has. */
const keepAliveMs = 15_000;

/** The ways in, and the one ledger behind them. Nothing listens before it is told to. */
export class ReaperServer {
  /** Settles when the reaper's life is over; its ways in are closed by then. */
  readonly ended: Promise<ReaperEnd>;
  readonly #options: ServerOptions;
  readonly #observe: Observer;
  readonly #ledger: LeaseTable;
  readonly #room: ConnectionLimit;
  readonly #closers: (() => void)[] = [];
  #comers = 0;

  constructor(options: ServerOptions) {
    const { mode, settings, reap, observe = () => undefined } = options;
    this.#options = options;
    this.#observe = observe;
    this.#room = new ConnectionLimit(settings.maxConnections);
    const onLetGo = (): void => this.#room.dismissAll();
    this.#ledger = new LeaseTable({ mode, limits: settings, reap, observe, onLetGo });
    this.ended = this.#ledger.ended.then((end) => {
      this.#closeWays();
      this.#room.dismissAll();
      return end;
    });
  }

  /**
   * Serves one client that is there already, at the process's own standard input and output. No other can come after it.
   *
   * @param unavailableReason - Asked at its hello: why it cannot be served here, if so.
   */
  attach(input: Readable, output: Writable, unavailableReason?: () => Promise<string | undefined>): void {
    const endInput = () => this.#ledger.endInput();
    const ends = { onGone: endInput, onBye: endInput };
    const client = { from: 'stdin', hasPreamble: true, isTrusted: true, unavailableReason, ...ends };
    this.#serve({ input, output }, client);
  }

  /**
   * Serves everybody who comes to what `listen` has listening, and resolves to where that is; `undefined`: another does.
   *
   * @throws What `listen` throws: then nobody comes.
   */
  async serve(listen: Listen, way: Listener): Promise<string | undefined> {
    const server = createServer({
      // Who has said all may still wait for an answer.
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
    });
    server.on('connection', (socket: Socket) => this.#welcome(socket, way));
    const opened = await listen(server);
    if (opened === undefined) return undefined;
    const { where, close } = opened;
    // An accept that failed (EMFILE) is no end: the next may succeed.
    server.on('error', (error) =>
      this.#observe({ type: 'noted', text: `accept a client at ${where}: ${error.message}` }),
    );
    this.#closers.push(() => {
      close?.();
      server.close();
    });
    if (this.#ledger.isDraining) this.#closeWays();
    this.#observe({ type: 'listening', where });
    return where;
  }

  /** Nobody new comes in; it ends when those that are there have gone, at most the shutdown timeout later. */
  drain(why: string): void {
    this.#closeWays();
    this.#ledger.drain(why);
  }

  snapshot(): ReaperSnapshot {
    return takeSnapshot({
      ...this.#ledger.view(),
      mode: this.#options.mode,
      connections: this.#room.size,
    });
  }

  #welcome(socket: Socket, way: Listener): void {
    this.#comers += 1;
    const { remoteAddress, remotePort } = socket;
    const from = remoteAddress === undefined ? `socket ${this.#comers}` : `${remoteAddress}:${remotePort}`;
    // Without an answer, like the original: whoever asked tries again, and gets another reaper.
    if (this.#ledger.isDraining) {
      socket.destroy();
      return;
    }
    if (!this.#room.admit()) {
      const reason = `there are ${this.#room.size} clients already`;
      this.#observe({ type: 'connection-refused', from, reason });
      socket.on('error', () => undefined);
      endWithin(socket, { text: `NACK ${reason}\n`, timeoutMs: 1_000, onEnd: () => socket.destroy() });
      return;
    }
    this.#serve({ input: socket, output: socket }, { ...way, from });
  }

  #serve(
    ends: Ends,
    client: Pick<ConnectionOptions, 'from' | 'hasPreamble' | 'onBye' | 'unavailableReason'> & {
      readonly isTrusted: boolean;
      readonly onGone?: () => void;
    },
  ): void {
    const { claimableKeys, graceMs, isStrict, reconnectionTimeoutMs, token, watchMs } =
      this.#options.settings;
    const { from, isTrusted } = client;
    const connection = new Connection(ends, {
      ledger: this.#ledger,
      observe: this.#observe,
      rules: { claimableKeys: claimableKeysIn(this.#options.mode, claimableKeys) },
      from,
      graceMs,
      reconnectionTimeoutMs,
      latePausesMs: latePauses(this.#options.mode, watchMs),
      isStrict,
      token: isTrusted ? undefined : token,
      hasPreamble: client.hasPreamble,
      onBye: client.onBye,
      unavailableReason: client.unavailableReason,
      onForeign: (reason) => this.#observe({ type: 'connection-refused', from, reason }),
      onGone: () => {
        this.#room.remove(connection);
        this.#observe({ type: 'connection-closed', from, connections: this.#room.size });
        this.#ledger.touch();
        client.onGone?.();
      },
    });
    this.#room.add(connection);
    this.#observe({ type: 'connection-opened', from, connections: this.#room.size });
    this.#ledger.touch();
  }

  #closeWays(): void {
    for (const close of this.#closers.splice(0)) close();
  }
}
