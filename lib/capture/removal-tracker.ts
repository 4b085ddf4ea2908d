import type { ClientRequest } from 'node:http';
import type { RegistryEntry } from '../registry/entry';
import type { ResponseObserver, ObservedResponse } from './response-observer';
import { targetOfRequest } from './known-engines';
import { PausedRequest } from './paused-request';
import { registerLeft, volumesLeftBy } from './anonymous-volumes';
import { warnCapture } from './warn';
import type { TrackedResources } from './tracked-resources';
import type { RequestMeaning } from './request-meaning';

type Removal = Extract<RequestMeaning, { type: 'remove' }>;

/** Sees to requests that remove: what the code that created something removes again is no leak. */
export class RemovalTracker {
  readonly #tracked: TrackedResources;
  readonly #responses: ResponseObserver;

  constructor(tracked: TrackedResources, responses: ResponseObserver) {
    this.#tracked = tracked;
    this.#responses = responses;
  }

  /** To be called before anything is written to the request. */
  see(request: ClientRequest, removal: Removal): void {
    this.#seeVolumes(request, removal);
    const present = this.#tracked
      .open()
      .filter((one) => one.state === 'present' && matchesTarget(one, removal));
    if (present.length === 0) return;
    const engine = this.#tracked.engines.addressKnownOf(targetOfRequest(request));
    const entry = present.find((one) => one.engine === engine);
    if (entry === undefined) return;
    const { removingKeys, options } = this.#tracked;
    removingKeys.add(entry.key);
    // Its remover knows better how it ends than whoever follows the engine.
    options.registry.update(entry.key, { state: 'cleaning' });
    const answered = this.#responses.observe(request, (answer) => {
      removingKeys.delete(entry.key);
      if (this.#tracked.openEntry(entry.key)?.state !== 'cleaning') return;
      if (isGone(answer)) options.registry.update(entry.key, { state: 'gone', outcome: 'removed-by-code' });
      else options.registry.update(entry.key, { state: 'present' });
    });
    this.#tracked.addPending(answered);
  }

  /** The anonymous volumes of a container that is removed without them: the request waits until they are known. */
  #seeVolumes(request: ClientRequest, removal: Removal): void {
    if (removal.kind !== 'container' || removesVolumes(request.path) || request.headersSent) return;
    const engine = this.#tracked.engines.addressKnownOf(targetOfRequest(request));
    const container = this.#tracked.options.registry
      .list({ kind: 'container' })
      .find((one) => one.state !== 'gone' && one.engine === engine && matchesTarget(one, removal));
    if (container === undefined) return;
    const paused = new PausedRequest(request);
    const see = async (): Promise<void> => {
      const left = await volumesLeftBy(container);
      const answered = new Promise<void>((resolve) => request.once('close', () => resolve()));
      await paused.release();
      await answered;
      await registerLeft(this.#tracked, [left]);
    };
    this.#tracked.addPending(
      see().catch((error: unknown) =>
        warnCapture(`remove container ${removal.ref}`, error, 'its anonymous volumes may stay'),
      ),
    );
  }
}

/** @see Engine API, ContainerDelete: `v`, which dockerode writes as `true` */
function removesVolumes(path: string): boolean {
  return /[?&]v=(?:1|true)(?:&|$)/i.test(path);
}

function isGone(answer: ObservedResponse | undefined): boolean {
  return answer !== undefined && ((answer.status >= 200 && answer.status < 300) || answer.status === 404);
}

/** Whether `ref` says that entry for certain: the engine knows shorter beginnings of ids than these, too. */
function matchesTarget({ kind, id = '', name, identity = '' }: RegistryEntry, removal: Removal): boolean {
  if (kind !== removal.kind) return false;
  const ref = removal.ref.replace(/^\//, '');
  if (ref === id || ref === name || ref === identity) return true;
  const digits = ref.replace(/^sha256:/, '');
  if (kind === 'volume' || !/^[0-9a-f]{12,}$/.test(digits)) return false;
  return id.startsWith(digits) || identity.replace(/^sha256:/, '').startsWith(digits);
}
