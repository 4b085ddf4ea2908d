import type { ClientRequest } from 'node:http';
import { warnCapture } from '../core/warnings';
import type { RegistryEntry } from '../registry/entry';
import type { ResponseObserver, ObservedResponse } from './response-observer';
import { targetOfRequest } from './request-target';
import { PausedRequest } from './paused-request';
import { registerLeft, volumesLeftBy } from './anonymous-volumes';
import type { TrackedResources } from './tracked-resources';
import type { RequestMeaning } from './request-meaning';

type Removal = Extract<RequestMeaning, { type: 'remove' }>;

/** Tracks removal requests of user code: a resource that its own code removes is not a leak. */
export class RemovalTracker {
  readonly #tracked: TrackedResources;
  readonly #responses: ResponseObserver;

  constructor(tracked: TrackedResources, responses: ResponseObserver) {
    this.#tracked = tracked;
    this.#responses = responses;
  }

  /** Tracks a removal request. Call it before anything is written to the request. */
  track(request: ClientRequest, removal: Removal): void {
    this.#trackVolumes(request, removal);
    const present = this.#tracked
      .activeEntries()
      .filter((one) => one.state === 'present' && matchesTarget(one, removal));
    if (present.length === 0) return;
    const engine = this.#tracked.engines.addressKnownOf(targetOfRequest(request));
    const entry = present.find((one) => one.engine === engine);
    if (entry === undefined) return;
    const { removingKeys, options } = this.#tracked;
    removingKeys.add(entry.key);
    // The response decides the outcome, rather than the engine's events.
    options.registry.update(entry.key, { state: 'cleaning' });
    const responded = this.#responses.observe(request, (response) => {
      removingKeys.delete(entry.key);
      if (this.#tracked.activeEntry(entry.key)?.state !== 'cleaning') return;
      if (isRemoved(response))
        options.registry.update(entry.key, { state: 'gone', outcome: 'removed-by-code' });
      else options.registry.update(entry.key, { state: 'present' });
    });
    this.#tracked.addPending(responded);
  }

  /** Pauses the removal of a container without its anonymous volumes until they are known. */
  #trackVolumes(request: ClientRequest, removal: Removal): void {
    if (removal.kind !== 'container' || removesVolumes(request.path) || request.headersSent) return;
    const engine = this.#tracked.engines.addressKnownOf(targetOfRequest(request));
    const container = this.#tracked.options.registry
      .list({ kind: 'container' })
      .find((one) => one.state !== 'gone' && one.engine === engine && matchesTarget(one, removal));
    if (container === undefined) return;
    const paused = new PausedRequest(request);
    const registerVolumes = async (): Promise<void> => {
      const left = await volumesLeftBy(container);
      const closed = new Promise<void>((resolve) => request.once('close', () => resolve()));
      await paused.release();
      await closed;
      await registerLeft(this.#tracked, [left]);
    };
    this.#tracked.addPending(
      registerVolumes().catch((error: unknown) =>
        warnCapture(`list anonymous volumes of container ${removal.ref}`, error, 'they may be left behind'),
      ),
    );
  }
}

/** @see Engine API, ContainerDelete: `v`, which dockerode sends as `true` */
function removesVolumes(path: string): boolean {
  return /[?&]v=(?:1|true)(?:&|$)/i.test(path);
}

function isRemoved(response: ObservedResponse | undefined): boolean {
  return (
    response !== undefined && ((response.status >= 200 && response.status < 300) || response.status === 404)
  );
}

/** Whether `ref` certainly denotes the entry. The engine also accepts shorter, ambiguous id prefixes. */
function matchesTarget({ kind, id = '', name, identity = '' }: RegistryEntry, removal: Removal): boolean {
  if (kind !== removal.kind) return false;
  const ref = removal.ref.replace(/^\//, '');
  if (ref === id || ref === name || ref === identity) return true;
  const digits = ref.replace(/^sha256:/, '');
  if (kind === 'volume' || !/^[0-9a-f]{12,}$/.test(digits)) return false;
  return id.startsWith(digits) || identity.replace(/^sha256:/, '').startsWith(digits);
}
