import type { ClientRequest } from 'node:http';
import { asError, messageOf } from '../core/errors';
import { creationLabels, labelNames } from '../core/labels';
import type { RegistryEntry } from '../registry/entry';
import { nonceComment, nonceOfBuild } from '../resources/ownership';
import type { StartContext } from '../scope/start-context';
import type { ResponseObserver, ObservedResponse } from './response-observer';
import { readCreateResponse } from './create-response';
import { PausedRequest } from './paused-request';
import { targetOfRequest } from './known-engines';
import { parseBody, addLabelsToBody, addLabelsToChanges, addLabelsToQuery, queryOf } from './add-labels';
import type { TrackedResources } from './tracked-resources';
import type { Attribution } from './capture';
import {
  stripOwnershipLabels,
  isHelper,
  isLabelledByHand,
  isUntracked,
  isOfAnotherCopy,
  readCreateRequest,
  type CreateRequest,
} from './read-create-request';
import type { RequestMeaning } from './request-meaning';

/** A request that creates, if it goes to an engine, and who makes it. */
export interface SeenCreation {
  readonly request: ClientRequest;
  readonly meaning: Extract<RequestMeaning, { type: 'create' }>;
  readonly createdBy: CreatedBy;
}

/** A start in a scope, or else code that stands somewhere. */
export type CreatedBy =
  | { readonly start: StartContext }
  | { readonly start?: undefined; readonly attribution: Attribution; readonly source: string | undefined };

type Body = Readonly<Record<string, unknown>>;
type Labels = Readonly<Record<string, string>>;

/** Sees to requests that create: they wait until the run is ready for them, are noted, and carry whose they are. */
export class CreateTracker {
  readonly #tracked: TrackedResources;
  readonly #responses: ResponseObserver;

  constructor(tracked: TrackedResources, responses: ResponseObserver) {
    this.#tracked = tracked;
    this.#responses = responses;
  }

  /** To be called before anything is written to the request. */
  see(creation: SeenCreation): void {
    const paused = new PausedRequest(creation.request);
    const seeing = this.#see(paused, creation).catch(async (error: unknown) => {
      this.#giveUp(creation.request, messageOf(error));
      await paused.release();
    });
    this.#tracked.addPending(seeing);
  }

  #giveUp({ method, path }: ClientRequest, reason: string): void {
    this.#tracked.options.reportUnlabelled(`${method} ${path.split('?')[0]}: ${reason}`);
  }

  async #see(paused: PausedRequest, { request, meaning, createdBy }: SeenCreation): Promise<void> {
    const engine = await this.#engineOf(request);
    if (engine === undefined) return paused.release();
    const reason = unlabelledReason(request);
    if (reason !== undefined) {
      this.#giveUp(request, reason);
      return paused.release();
    }
    const text = meaning.labelsGoInto === 'body' ? await paused.wholeBody() : '{}';
    if (text === undefined && !request.destroyed) this.#giveUp(request, 'its body is longer than 16 MB');
    const body = text === undefined ? undefined : parseBody(text);
    // The engine refuses what is no JSON object.
    if (body === undefined) return paused.release();
    const order = readCreateRequest(meaning, request.path, body);
    const { session } = this.#tracked.options;
    if (isOfAnotherCopy(order, session)) {
      if (!(await this.#isReady(paused))) return;
      const { worker = '' } = 'attribution' in createdBy ? createdBy.attribution : {};
      const ours = { [labelNames.session]: session, ...(worker && { [labelNames.worker]: worker }) };
      return this.#send(paused, order, putLabels(request, order, body, ours));
    }
    if (isLabelledByHand(order)) return this.#send(paused, order, putLabels(request, order, body, {}));
    if (isUntracked(order, request.path)) {
      request.path = stripOwnershipLabels(request.path) ?? request.path;
      return this.#send(paused, order);
    }
    if (createdBy.start !== undefined)
      return this.#send(paused, order, putLabels(request, order, body, createdBy.start.labels));
    if (!(await this.#isReady(paused))) return;
    const { attribution, source } = createdBy;
    const resource = { ...order, isHelper: isHelper(order, request.path) };
    const entry = await this.#tracked.register(resource, attribution, source, engine);
    const labels = this.#tracked.labelsOf(entry, attribution);
    // However long the engine takes: what may still come is not said never to have been created.
    this.#tracked.runningKeys.add(entry.key);
    await this.#send(paused, order, putLabels(request, order, body, labels), entry);
  }

  /** Where the configuration cannot be read, every server that a request of that form goes to by a socket is an engine. */
  async #engineOf(request: ClientRequest): Promise<string | undefined> {
    const target = targetOfRequest(request);
    try {
      return await this.#tracked.engines.addressOf(target);
    } catch (error) {
      if (target.socketPath !== undefined) return `unix://${target.socketPath}`;
      this.#giveUp(request, messageOf(error));
      return undefined;
    }
  }

  /** Whether it may go out; it has failed, or been given up, where it may not. */
  async #isReady(paused: PausedRequest): Promise<boolean> {
    const [readiness] = await Promise.allSettled([this.#tracked.options.ready()]);
    if (readiness.status === 'rejected') paused.fail(asError(readiness.reason));
    return readiness.status === 'fulfilled' && !paused.request.destroyed;
  }

  async #send(
    paused: PausedRequest,
    order: CreateRequest,
    body?: string,
    entry?: RegistryEntry,
  ): Promise<void> {
    const { request } = paused;
    const answered = this.#responses.observe(request, (answer) => this.#note(request, order, entry, answer));
    // It was given up while it was held, and says no more.
    if (request.closed) {
      if (entry !== undefined) this.#tracked.runningKeys.delete(entry.key);
      return this.#note(request, order, entry, undefined);
    }
    await paused.release(body);
    await answered;
    if (entry !== undefined) this.#tracked.runningKeys.delete(entry.key);
  }

  #note(
    request: ClientRequest,
    order: CreateRequest,
    entry: RegistryEntry | undefined,
    answer: ObservedResponse | undefined,
  ): void {
    const { kind, name, hasFixedNameOrPort } = order;
    const said =
      answer === undefined ? unsaid(request) : readCreateResponse(kind, answer.status, answer.text);
    // Whether it exists is not known: whoever looks for it later looks for its labels.
    if (said === undefined) return;
    if (said.isCreated && hasFixedNameOrPort) this.#tracked.fixedNameOrPortIds.add(said.id);
    if (entry === undefined || this.#tracked.openEntry(entry.key) === undefined) return;
    const { registry } = this.#tracked.options;
    if (!said.isCreated) registry.update(entry.key, { state: 'gone', outcome: 'never-created' });
    else if (kind === 'image')
      registry.update(entry.key, { state: 'present', id: name ?? said.id, identity: said.id });
    else registry.update(entry.key, { state: 'present', id: said.id });
  }
}

/** Why labels cannot be put into a request; `undefined` when they can. */
function unlabelledReason(request: ClientRequest): string | undefined {
  if (request.hasHeader('content-encoding')) return 'its body is compressed';
  // As they are with `expect`, and with headers given as a list.
  return request.headersSent ? 'its headers had been written before it could be paused' : undefined;
}

/** What never went out has created nothing. A connection that is used again has sent before. */
function unsaid(request: ClientRequest): { readonly isCreated: false } | undefined {
  const hasSent = request.reusedSocket || (request.socket?.bytesWritten ?? 0) > 0;
  return hasSent ? undefined : { isCreated: false };
}

/** Adds `labels` and those of this creation to the request; returns the new body, where that carries them. */
function putLabels(
  request: ClientRequest,
  order: CreateRequest,
  body: Body,
  owner: Labels,
): string | undefined {
  const labels = { ...owner, ...creationLabels(order.kind) };
  switch (order.labelsGoInto) {
    case 'body':
      return addLabelsToBody(body, labels);
    case 'query':
      request.path = addLabelsToQuery(request.path, buildLabels(labels, order.labels));
      return undefined;
    case 'changes':
      request.path = markStep(addLabelsToChanges(request.path, labels), labels[labelNames.nonce] ?? '');
      return undefined;
  }
}

/**
 * The labels of a build. The builder of Docker's engine makes a layer for each, in 50 ms or more (BuildKit does not): scope, time and CI
 * run are left out.
 */
function buildLabels(labels: Labels, own: Labels): Labels {
  const { scope, created, run, nonce } = labelNames;
  const leftOut: readonly string[] = [scope, created, run];
  const put = Object.fromEntries(Object.entries(labels).filter(([name]) => !leftOut.includes(name)));
  const names = Object.keys({ ...own, ...put });
  return { ...put, [nonce]: nonceOfBuild(labels[nonce] ?? '', names) };
}

/** Has the history of an image name its nonce, where the request gives its step no comment. @see Engine API, ImageCommit, ImageCreate */
function markStep(path: string, nonce: string): string {
  const parameter = path.includes('/commit') ? 'comment' : 'message';
  if (queryOf(path).get(parameter)) return path;
  return `${path}&${parameter}=${encodeURIComponent(nonceComment(nonce))}`;
}
