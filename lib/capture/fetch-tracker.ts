import { Readable } from 'node:stream';
import { asError, messageOf } from '../core/errors';
import { parseFields } from '../core/fields';
import { creationLabels } from '../core/labels';
import type { RegistryEntry } from '../registry/entry';
import { addLabelsToBody } from './add-labels';
import type { CreatedBy } from './created-by';
import type { FetchEvents, FollowedFetch } from './fetch-events';
import { bytesOf, isReadable, targetOfOrigin, type FetchRequest } from './fetch-request';
import { mayUseSocket } from './may-use-socket';
import { planCreate } from './plan-create';
import { readCreateRequest } from './read-create-request';
import type { RequestMeaning } from './request-meaning';
import type { TrackedResources } from './tracked-resources';

type Creation = Extract<RequestMeaning, { type: 'create' }>;

/** A request of `fetch` or undici that creates a resource if its target is an engine. */
interface FetchCreate {
  readonly request: FetchRequest;
  readonly meaning: Creation;
  readonly createdBy: CreatedBy;
}

/**
 * Tracks requests of `fetch` and undici. undici builds the head of a request before it knows the socket, and reads
 * the body after that: a body that castoff may have to change is sent in chunks, by a generator that waits for the
 * socket.
 */
export class FetchTracker {
  readonly #tracked: TrackedResources;
  readonly #events: FetchEvents;

  constructor(tracked: TrackedResources, events: FetchEvents) {
    this.#tracked = tracked;
    this.#events = events;
  }

  /** Tracks a request that stops, kills or removes a container. */
  trackTeardown(
    request: FetchRequest,
    { type: verb, ...meaning }: Exclude<RequestMeaning, Creation>,
    source: string | undefined,
  ): void {
    const { ended } = this.#events.follow(request);
    this.#tracked.teardownCalls.track({ ...meaning, verb, source }, ended);
  }

  /** Tracks a create request. Call it when the request has been created. */
  trackCreate(create: FetchCreate): void {
    const { request, meaning } = create;
    const { body } = request;
    if (!mayUseSocket(request) && !this.#tracked.engines.mayBe(targetOfOrigin(request))) return;
    const followed = this.#events.follow(request);
    const reason =
      meaning.labelsGoInto !== 'body'
        ? 'fetch and undici build its URL before castoff knows their socket'
        : isReadable(body)
          ? undefined
          : 'castoff cannot read its body';
    if (reason !== undefined) return this.#tracked.addPending(this.#reportOthers(request, followed, reason));
    const labelled = this.#labelled(create, followed, body);
    request.contentLength = null;
    // undici removes its listeners from a stream in the end.
    const isStream = typeof body === 'object' && body !== null && 'pipe' in body;
    request.body = isStream ? Readable.from(labelled, { objectMode: false }) : labelled;
  }

  async #reportOthers(request: FetchRequest, followed: FollowedFetch, reason: string): Promise<void> {
    if ((await this.#engineOf(request, followed)) !== undefined) this.#reportUnlabelled(request, reason);
  }

  async *#labelled(create: FetchCreate, followed: FollowedFetch, body: unknown): AsyncGenerator<Uint8Array> {
    const { request } = create;
    const bytes = await bytesOf(body);
    const engine = await this.#engineOf(request, followed);
    if (engine === undefined) yield bytes;
    else yield await this.#addLabels(create, followed, engine, bytes);
  }

  /** Resolves to the body to send. @throws the error of a run that fails to get ready */
  async #addLabels(
    { request, meaning, createdBy }: FetchCreate,
    followed: FollowedFetch,
    engine: string,
    bytes: Buffer,
  ): Promise<Uint8Array> {
    let refusal: Error | undefined;
    const isReady = async (): Promise<boolean> => {
      const [readiness] = await Promise.allSettled([this.#tracked.options.ready()]);
      if (readiness.status === 'rejected') refusal = asError(readiness.reason);
      return readiness.status === 'fulfilled';
    };
    try {
      const body = parseFields(bytes.toString());
      // The engine rejects a body that is not a JSON object.
      if (body === undefined) return bytes;
      const { path } = request;
      const createRequest = readCreateRequest(meaning, path, body);
      const plan = await planCreate(this.#tracked, { createRequest, path, createdBy, engine, isReady });
      if (plan?.entry !== undefined) this.#tracked.addPending(this.#settle(plan.entry, followed));
      if (plan?.labels !== undefined)
        return Buffer.from(addLabelsToBody(body, { ...plan.labels, ...creationLabels(meaning.kind) }));
    } catch (error) {
      this.#reportUnlabelled(request, messageOf(error));
    }
    if (refusal !== undefined) throw refusal;
    return bytes;
  }

  /** Records the end of a creation. The resource itself is found by its labels. */
  async #settle({ key }: RegistryEntry, { ended }: FollowedFetch): Promise<void> {
    const { commandKeys, inFlightKeys, options } = this.#tracked;
    commandKeys.add(key);
    const status = await ended;
    inFlightKeys.delete(key);
    if (status !== undefined && status >= 400 && this.#tracked.activeEntry(key) !== undefined)
      options.registry.update(key, { state: 'gone', outcome: 'never-created' });
  }

  /** Resolves to the address of the engine that a request is sent to, if it is one. Never rejects. */
  async #engineOf(request: FetchRequest, { sent }: FollowedFetch): Promise<string | undefined> {
    const socket = mayUseSocket(request) ? await sent : undefined;
    const target = { ...targetOfOrigin(request), socketPath: socket && this.#events.pathOf(socket) };
    try {
      return await this.#tracked.engines.addressOf(target);
    } catch (error) {
      if (target.socketPath !== undefined) return `unix://${target.socketPath}`;
      this.#reportUnlabelled(request, messageOf(error));
      return undefined;
    }
  }

  #reportUnlabelled({ method, path }: FetchRequest, reason: string): void {
    this.#tracked.options.reportUnlabelled(`${method} ${path.split('?')[0]}: ${reason}`);
  }
}
