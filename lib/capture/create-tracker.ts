import type { ClientRequest } from 'node:http';
import { asError, messageOf } from '../core/errors';
import { parseFields } from '../core/fields';
import type { RegistryEntry } from '../registry/entry';
import type { ResponseObserver, ObservedResponse } from './response-observer';
import { readCreateResponse } from './create-response';
import { PausedRequest } from './paused-request';
import { targetOfRequest } from './request-target';
import { addLabels } from './add-labels';
import type { TrackedResources } from './tracked-resources';
import type { CreatedBy } from './created-by';
import { stripOwnershipLabels } from './creation-ownership';
import { planCreate } from './plan-create';
import { readCreateRequest, type CreateRequest } from './read-create-request';
import type { RequestMeaning } from './request-meaning';

/** A request that creates a resource if its target is an engine. */
export interface ObservedCreate {
  readonly request: ClientRequest;
  readonly meaning: Extract<RequestMeaning, { type: 'create' }>;
  readonly createdBy: CreatedBy;
}

/** Pauses create requests until the run is ready, registers them and adds the labels of their owner. */
export class CreateTracker {
  readonly #tracked: TrackedResources;
  readonly #responses: ResponseObserver;

  constructor(tracked: TrackedResources, responses: ResponseObserver) {
    this.#tracked = tracked;
    this.#responses = responses;
  }

  /** Tracks a create request. Call it before anything is written to the request. */
  track(create: ObservedCreate): void {
    const paused = new PausedRequest(create.request);
    const tracking = this.#track(paused, create).catch(async (error: unknown) => {
      this.#reportUnlabelled(create.request, messageOf(error));
      await paused.release();
    });
    this.#tracked.addPending(tracking);
  }

  #reportUnlabelled({ method, path }: ClientRequest, reason: string): void {
    this.#tracked.options.reportUnlabelled(`${method} ${path.split('?')[0]}: ${reason}`);
  }

  async #track(paused: PausedRequest, { request, meaning, createdBy }: ObservedCreate): Promise<void> {
    const engine = await this.#engineOf(request);
    if (engine === undefined) return paused.release();
    const reason = unlabelledReason(request);
    if (reason !== undefined) {
      this.#reportUnlabelled(request, reason);
      return paused.release();
    }
    const text = meaning.labelsGoInto === 'body' ? await paused.wholeBody() : '{}';
    if (text === undefined && !request.destroyed)
      this.#reportUnlabelled(request, 'its body is longer than 16 MB');
    const body = text === undefined ? undefined : parseFields(text);
    // The engine rejects a body that is not a JSON object.
    if (body === undefined) return paused.release();
    const createRequest = readCreateRequest(meaning, request.path, body);
    const isReady = (): Promise<boolean> => this.#isReady(paused);
    const pending = { createRequest, path: request.path, createdBy, engine, isReady };
    const plan = await planCreate(this.#tracked, pending);
    if (plan === undefined) return;
    const { labels, entry } = plan;
    if (labels !== undefined) {
      const labelled = addLabels(createRequest, request.path, body, labels);
      request.path = labelled.path;
      return this.#send(paused, createRequest, labelled.body, entry);
    }
    request.path = stripOwnershipLabels(request.path) ?? request.path;
    return this.#send(paused, createRequest);
  }

  /** Without a readable Docker configuration, any unix socket that gets such a request is an engine. */
  async #engineOf(request: ClientRequest): Promise<string | undefined> {
    const target = targetOfRequest(request);
    try {
      return await this.#tracked.engines.addressOf(target);
    } catch (error) {
      if (target.socketPath !== undefined) return `unix://${target.socketPath}`;
      this.#reportUnlabelled(request, messageOf(error));
      return undefined;
    }
  }

  /** Whether to send the request: not when the run failed to get ready, or it was aborted meanwhile. */
  async #isReady(paused: PausedRequest): Promise<boolean> {
    const [readiness] = await Promise.allSettled([this.#tracked.options.ready()]);
    if (readiness.status === 'rejected') paused.fail(asError(readiness.reason));
    return readiness.status === 'fulfilled' && !paused.request.destroyed;
  }

  async #send(
    paused: PausedRequest,
    createRequest: CreateRequest,
    body?: string,
    entry?: RegistryEntry,
  ): Promise<void> {
    const { request } = paused;
    const responded = this.#responses.observe(request, (response) =>
      this.#record(request, createRequest, entry, response),
    );
    // A request aborted while paused emits no more events.
    if (request.closed) {
      if (entry !== undefined) this.#tracked.inFlightKeys.delete(entry.key);
      return this.#record(request, createRequest, entry, undefined);
    }
    await paused.release(body);
    await responded;
    if (entry !== undefined) this.#tracked.inFlightKeys.delete(entry.key);
  }

  #record(
    request: ClientRequest,
    createRequest: CreateRequest,
    entry: RegistryEntry | undefined,
    response: ObservedResponse | undefined,
  ): void {
    const { kind, name, hasFixedNameOrPort } = createRequest;
    const outcome =
      response === undefined
        ? outcomeWithoutResponse(request)
        : readCreateResponse(kind, response.status, response.text);
    // Unknown for now: the resource is found by its labels later.
    if (outcome === undefined) return;
    if (outcome.isCreated && hasFixedNameOrPort) this.#tracked.fixedNameOrPortIds.add(outcome.id);
    if (entry === undefined || this.#tracked.activeEntry(entry.key) === undefined) return;
    const { registry } = this.#tracked.options;
    if (!outcome.isCreated) registry.update(entry.key, { state: 'gone', outcome: 'never-created' });
    else if (kind === 'image')
      registry.update(entry.key, { state: 'present', id: name ?? outcome.id, identity: outcome.id });
    else registry.update(entry.key, { state: 'present', id: outcome.id });
  }
}

function unlabelledReason(request: ClientRequest): string | undefined {
  if (request.hasHeader('content-encoding')) return 'its body is compressed';
  // Node sends headers at once with `expect`, and when they are given as a list.
  return request.headersSent ? 'its headers had been written before it could be paused' : undefined;
}

/** A request never sent created nothing. On a reused connection, `bytesWritten` counts earlier requests. */
function outcomeWithoutResponse(request: ClientRequest): { readonly isCreated: false } | undefined {
  const hasSent = request.reusedSocket || (request.socket?.bytesWritten ?? 0) > 0;
  return hasSent ? undefined : { isCreated: false };
}
