import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { threadId } from 'node:worker_threads';
import { CastoffError, messageOf } from '../core/errors';
import { processWide } from '../core/global-state';
import { onClaim } from '../registry/claims';
import { joinSession } from '../registry/session-identity';
import { disableRyuk } from '../core/disable-ryuk';
import { deserializeError } from '../wire/serialize-error';
import { openJsonLines, type JsonLines } from '../wire/json-lines';
import type { RunClient, SharedTurn } from '../session/run-client';
import { maxRunLineBytes, parseRunReply, type JoinAnswer, type RunCall, type RunNote } from './run-message';
import { setCurrentRunClient } from '../session/current-run';
import { checkJsonLength } from './shared-value';

/** A worker's membership in a run. */
export interface WorkerRunClient extends RunClient {
  /** Leaves the run: the worker's remaining resources stay until the run ends. Idempotent. */
  leave(): void;
}

/**
 * Joins the run at `address`: resources that this process or thread creates from now on belong to that run,
 * and its registry is reported to the run. The connection is unreferenced. Idempotent: all callers share one
 * membership.
 *
 * @throws CastoffError `CONFIG_INVALID` when no run listens there.
 */
export function joinRun(address: string): Promise<WorkerRunClient> {
  const joining = joinings();
  const known = joining.get(address);
  if (known !== undefined) return known;
  const joined = join(address);
  joining.set(address, joined);
  joined.catch(() => joining.delete(address));
  return joined;
}

const joinings = (): Map<string, Promise<WorkerRunClient>> =>
  processWide('joined runs', () => new Map<string, Promise<WorkerRunClient>>());

async function join(address: string): Promise<WorkerRunClient> {
  const worker = `${process.pid}-${threadId}-${randomBytes(3).toString('hex')}`;
  const socket = await connectTo(address);
  const connection = new RunConnection(socket, address);
  const joined = (await connection.call({ type: 'join', worker })) as JoinAnswer;
  socket.unref();
  const { session, owner, settings, coversTestcontainers } = joined;
  const restoreRyuk = coversTestcontainers ? disableRyuk(process) : () => undefined;
  const { registry } = joinSession(session, worker);
  const report: RunClient['report'] = (entry) => connection.notify({ type: 'report', entry });
  const onChange = ({ entry }: { entry: Parameters<typeof report>[0] }): void => report(entry);
  registry.on('change', onChange);
  const claim: RunClient['claim'] = async (labels, bounds) =>
    void (await connection.call({ type: 'claim', labels, bounds }));
  const release: RunClient['release'] = async (labels, bounds) =>
    void (await connection.call({ type: 'release', labels, bounds }));
  const stopClaims = onClaim({
    claim,
    // Rejects when the run has ended, which also released the claim.
    release: async (labels, bounds) => void (await Promise.allSettled([release(labels, bounds)])),
  });
  let readying: Promise<void> | undefined;
  const client: WorkerRunClient = {
    session,
    worker,
    owner,
    settings,
    coversTestcontainers,
    ready() {
      if (connection.endReason !== undefined) return Promise.reject(connection.endReason);
      return (readying ??= becomeReady());
    },
    report,
    reportUnlabelled: (creation) => connection.notify({ type: 'unlabelled', creation }),
    async noteDeath(key, died) {
      await connection.call({ type: 'note-death', key, died });
    },
    async removeLeaks(keys) {
      // The registry notifies its listeners in a microtask: the leaks are reported before this request is
      // sent.
      await Promise.resolve();
      await connection.call({ type: 'remove-leaks', keys });
    },
    claim,
    release,
    async awaitShared(name, { timeoutMs, within }) {
      return (await connection.call({ type: 'await-shared', name, timeoutMs, within })) as SharedTurn;
    },
    async settleShared(name, made) {
      if ('json' in made) checkJsonLength(`shared ${name}`, made.json);
      await connection.call({ type: 'settle-shared', name, made });
    },
    leave() {
      restoreRyuk();
      stopClaims();
      registry.off('change', onChange);
      joinings().delete(address);
      setCurrentRunClient(undefined);
      connection.leave();
    },
  };
  const becomeReady = async (): Promise<void> => {
    try {
      await connection.call({ type: 'ready' });
    } catch (error) {
      readying = undefined;
      throw error;
    }
  };
  setCurrentRunClient(client);
  return client;
}

async function connectTo(address: string): Promise<Socket> {
  const socket = connect(address);
  try {
    await once(socket, 'connect');
  } catch (cause) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `join the run at ${address}: ${messageOf(cause)}; check that castoff/jest/setup is the globalSetup, and that the run has not ended`,
      { cause },
    );
  }
  return socket;
}

/**
 * A worker's connection to its run. Each call settles with the run's reply, or rejects when the connection
 * ends.
 */
class RunConnection {
  /** The reason why no resource may be created any more: the run is ending or has ended. */
  endReason: CastoffError | undefined;
  readonly #address: string;
  readonly #lines: JsonLines;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 1;
  #isClosed = false;

  constructor(socket: Socket, address: string) {
    this.#address = address;
    this.#lines = openJsonLines(socket, maxRunLineBytes, {
      onLine: (text) => this.#take(text),
      onEnd: () => this.#end(),
    });
  }

  call(call: RunCall): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(this.#closedError(call.type));
    const id = this.#nextId;
    this.#nextId += 1;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#lines.send({ id, ...call });
    return waiting.promise;
  }

  notify(note: RunNote): void {
    this.#lines.send(note);
  }

  leave(): void {
    this.#lines.send({ type: 'leave' } satisfies RunNote);
    this.#lines.end();
  }

  #take(text: string): void {
    const reply = parseRunReply(text);
    if (reply === undefined) return;
    if ('type' in reply) {
      this.endReason = new CastoffError('SCOPE_CLOSED', 'create a resource: the run is ending');
      return;
    }
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.ok) waiting?.resolve(reply.value);
    else waiting?.reject(deserializeError(reply.error));
  }

  #end(): void {
    this.#isClosed = true;
    this.endReason ??= this.#closedError('create a resource');
    for (const waiting of this.#waiting.values()) waiting.reject(this.#closedError('wait for a reply'));
    this.#waiting.clear();
  }

  #closedError(what: string): CastoffError {
    return new CastoffError(
      'SCOPE_CLOSED',
      `${what}: the run at ${this.#address} has ended, or its process has exited`,
    );
  }
}
