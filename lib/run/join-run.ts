import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { threadId } from 'node:worker_threads';
import { CastoffError, messageOf } from '../core/errors';
import { processWide } from '../core/global-state';
import { onClaim } from '../registry/claims';
import { joinSession } from '../registry/session-identity';
import { disableRyuk } from '../core/disable-ryuk';
import { deserializeError } from '../wire/serialize-error';
import { parseFields } from '../core/fields';
import { randomHex } from '../core/random-hex';
import { RequestConnection } from '../wire/request-connection';
import type { RegistryEntry } from '../registry/entry';
import type { RunClient } from '../session/run-client';
import { createRunClient, type RunCaller } from './call-run';
import { maxRunLineBytes, type ReplyValue, type Asked, type RunRequests } from './run-requests';
import { setCurrentRunClient } from '../session/current-run';
import { planProcessSnapshot } from '../session/process-snapshot';

interface WorkerRunClient extends RunClient {
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
  const worker = `${process.pid}-${threadId}-${randomHex(3)}`;
  const socket = await connectTo(address);
  const connection = new RunConnection(socket, address);
  const joined = await connection.call('join', { worker });
  socket.unref();
  const restoreRyuk = joined.coversTestcontainers ? disableRyuk(process) : () => undefined;
  const { registry } = joinSession(joined.session, worker);
  // At its exit: a worker runs many files.
  planProcessSnapshot();
  const client = createRunClient(joined, worker, connection);
  const onChange = ({ entry }: { readonly entry: RegistryEntry }): void => client.report(entry);
  registry.on('change', onChange);
  const stopClaims = onClaim({
    claim: (labels, bounds) => client.claim(labels, bounds),
    // Rejects when the run has ended, which also released the claim.
    release: async (labels, bounds) => void (await Promise.allSettled([client.release(labels, bounds)])),
  });
  let readying: Promise<void> | undefined;
  const becomeReady = async (): Promise<void> => {
    try {
      await client.ready();
    } catch (error) {
      readying = undefined;
      throw error;
    }
  };
  const workerClient: WorkerRunClient = {
    ...client,
    ready() {
      if (connection.endReason !== undefined) return Promise.reject(connection.endReason);
      return (readying ??= becomeReady());
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
  setCurrentRunClient(workerClient);
  return workerClient;
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

/** A worker's connection to its run. It cannot be replaced: the run ends with its process. */
class RunConnection implements RunCaller {
  /** The reason why no resource may be created any more: the run is ending or has ended. */
  endReason: CastoffError | undefined;
  readonly #address: string;
  readonly #requests: RequestConnection;

  constructor(socket: Socket, address: string) {
    this.#address = address;
    this.#requests = new RequestConnection(socket, {
      maxLineBytes: maxRunLineBytes,
      onLine: (line) => {
        if (parseFields(line)?.['type'] === 'ending')
          this.endReason = new CastoffError('SCOPE_CLOSED', 'create a resource: the run is ending');
      },
    });
    void this.#requests.ended.then(() => (this.endReason ??= this.#closedError('create a resource')));
  }

  /**
   * Sends a request. Resolves to the value of the reply.
   *
   * @throws the run's error; CastoffError `SCOPE_CLOSED` when the connection ends first.
   */
  readonly call = async <T extends keyof RunRequests>(type: T, asked: Asked<T>): Promise<ReplyValue<T>> => {
    const [replied] = await Promise.allSettled([this.#requests.request({ type, ...asked })]);
    if (replied.status === 'rejected') throw this.#closedError(type);
    const reply = replied.value;
    if (reply.ok) return reply.value as ReplyValue<T>;
    throw reply.error === undefined ? new Error(reply.reason) : deserializeError(reply.error);
  };

  readonly notify = <T extends keyof RunRequests>(type: T, asked: Asked<T>): void =>
    this.#requests.notify({ type, ...asked });

  leave(): void {
    this.notify('bye', {});
    this.#requests.end();
  }

  #closedError(what: string): CastoffError {
    return new CastoffError(
      'SCOPE_CLOSED',
      `${what}: the run at ${this.#address} has ended, or its process has exited`,
    );
  }
}
