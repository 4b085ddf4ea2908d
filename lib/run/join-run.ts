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

/** A worker's part in a run. */
export interface WorkerRun extends RunClient {
  /** Ends it as it should end: what the worker still has is not reaped before the run's end. Idempotent. */
  leave(): void;
}

/**
 * Joins the run that listens at `address`: what this process, or thread, creates from now on is that run's, and it tells the run of all
 * that its registry has. The line keeps no process alive. Joins once: every caller gets the same.
 *
 * @throws CastoffError `CONFIG_INVALID` when no run listens there.
 */
export function joinRun(address: string): Promise<WorkerRun> {
  const joining = joinings();
  const known = joining.get(address);
  if (known !== undefined) return known;
  const joined = join(address);
  joining.set(address, joined);
  joined.catch(() => joining.delete(address));
  return joined;
}

const joinings = (): Map<string, Promise<WorkerRun>> =>
  processWide('runs joined', () => new Map<string, Promise<WorkerRun>>());

async function join(address: string): Promise<WorkerRun> {
  const worker = `${process.pid}-${threadId}-${randomBytes(3).toString('hex')}`;
  const socket = await reach(address);
  const line = new WorkerLine(socket, address);
  const answer = (await line.ask({ type: 'join', worker })) as JoinAnswer;
  socket.unref();
  const { session, owner, settings, coversTestcontainers } = answer;
  const turnRyukBack = coversTestcontainers ? disableRyuk(process) : () => undefined;
  const { registry } = joinSession(session, worker);
  const tell: RunClient['tell'] = (entry) => line.tell({ type: 'tell', entry });
  const onChange = ({ entry }: { entry: Parameters<typeof tell>[0] }): void => tell(entry);
  registry.on('change', onChange);
  const claim: RunClient['claim'] = async (labels, bounds) =>
    void (await line.ask({ type: 'claim', labels, bounds }));
  const release: RunClient['release'] = async (labels, bounds) =>
    void (await line.ask({ type: 'release', labels, bounds }));
  const stopClaims = onClaim({
    claim,
    // Where the run is gone nobody holds the claim any more, and a cleanup goes on.
    release: async (labels, bounds) => void (await Promise.allSettled([release(labels, bounds)])),
  });
  let readying: Promise<void> | undefined;
  const link: WorkerRun = {
    session,
    worker,
    owner,
    settings,
    coversTestcontainers,
    ready() {
      if (line.whyOver !== undefined) return Promise.reject(line.whyOver);
      return (readying ??= becomeReady());
    },
    tell,
    noteUnwatched: (creation) => line.tell({ type: 'unwatched', creation }),
    async noteDeath(key, died) {
      await line.ask({ type: 'note-death', key, died });
    },
    async removeLeaks(keys) {
      // The registry notifies its listeners in a microtask: the run hears of the leaks before it is asked to remove them.
      await Promise.resolve();
      await line.ask({ type: 'remove-leaks', keys });
    },
    claim,
    release,
    async awaitShared(name, { timeoutMs, within }) {
      return (await line.ask({ type: 'await-shared', name, timeoutMs, within })) as SharedTurn;
    },
    async settleShared(name, made) {
      if ('json' in made) checkJsonLength(`shared ${name}`, made.json);
      await line.ask({ type: 'settle-shared', name, made });
    },
    leave() {
      turnRyukBack();
      stopClaims();
      registry.off('change', onChange);
      joinings().delete(address);
      setCurrentRunClient(undefined);
      line.leave();
    },
  };
  const becomeReady = async (): Promise<void> => {
    try {
      await line.ask({ type: 'ready' });
    } catch (error) {
      readying = undefined;
      throw error;
    }
  };
  setCurrentRunClient(link);
  return link;
}

async function reach(address: string): Promise<Socket> {
  const socket = connect(address);
  try {
    await once(socket, 'connect');
  } catch (cause) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `join the run at ${address}: ${messageOf(cause)}; is castoff/jest/setup its globalSetup, and has the run not ended?`,
      { cause },
    );
  }
  return socket;
}

/** The worker's end: each request gets its answer, or the line's end for one. */
class WorkerLine {
  /** Why nothing new may be created: the run ends, or is gone. */
  whyOver: CastoffError | undefined;
  readonly #address: string;
  readonly #lines: JsonLines;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 1;
  #hasEnded = false;

  constructor(socket: Socket, address: string) {
    this.#address = address;
    this.#lines = openJsonLines(socket, maxRunLineBytes, {
      onLine: (text) => this.#take(text),
      onEnd: () => this.#end(),
    });
  }

  ask(ask: RunCall): Promise<unknown> {
    if (this.#hasEnded) return Promise.reject(this.#gone(ask.type));
    const id = this.#nextId;
    this.#nextId += 1;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#lines.send({ id, ...ask });
    return waiting.promise;
  }

  tell(note: RunNote): void {
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
      this.whyOver = new CastoffError('SCOPE_CLOSED', 'create something: the run is ending');
      return;
    }
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.ok) waiting?.resolve(reply.value);
    else waiting?.reject(deserializeError(reply.error));
  }

  #end(): void {
    this.#hasEnded = true;
    this.whyOver ??= this.#gone('go on');
    for (const waiting of this.#waiting.values()) waiting.reject(this.#gone('wait for its answer'));
    this.#waiting.clear();
  }

  #gone(what: string): CastoffError {
    return new CastoffError(
      'SCOPE_CLOSED',
      `${what}: the run at ${this.#address} is gone: its process has ended, or has closed it`,
    );
  }
}
