import { labelNames, type Labels } from '../core/labels';
import type { RegistryEntry } from '../registry/entry';
import type { CreatedBy } from './created-by';
import { isHelper, isLabelledByHand, isOfAnotherCopy, isUntracked } from './creation-ownership';
import type { CreateRequest } from './read-create-request';
import type { TrackedResources } from './tracked-resources';

/** A create request to an engine that is about to be sent. */
export interface PendingCreate {
  readonly createRequest: CreateRequest;
  readonly path: string;
  readonly createdBy: CreatedBy;
  /** The engine's address. */
  readonly engine: string;
  /** Resolves to whether to send the request, once the run is ready. */
  readonly isReady: () => Promise<boolean>;
}

/** How a create request is sent. */
interface CreatePlan {
  /** Labels to add, besides those of the creation itself. `undefined`: it is sent without any. */
  readonly labels?: Labels | undefined;
  /** The entry of the resource, if this creation is captured. It is in flight until the response arrives. */
  readonly entry?: RegistryEntry | undefined;
}

/**
 * Registers the resource of a create request, unless it must be left alone or has an owner already. Resolves to
 * `undefined` when the request must not be sent.
 *
 * @throws errors of the journal
 */
export async function planCreate(
  tracked: TrackedResources,
  { createRequest, path, createdBy, engine, isReady }: PendingCreate,
): Promise<CreatePlan | undefined> {
  const { session } = tracked.options;
  if (isOfAnotherCopy(createRequest, session)) {
    if (!(await isReady())) return undefined;
    const { worker = '' } = 'attribution' in createdBy ? createdBy.attribution : {};
    return { labels: { [labelNames.session]: session, ...(worker && { [labelNames.worker]: worker }) } };
  }
  if (isLabelledByHand(createRequest)) return { labels: {} };
  if (isUntracked(createRequest, path)) return {};
  if (createdBy.start !== undefined) return { labels: createdBy.start.labels };
  if (!(await isReady())) return undefined;
  const resource = { ...createRequest, isHelper: isHelper(createRequest, path) };
  const entry = await tracked.register(resource, createdBy, engine);
  // Until the response arrives, the entry must not be marked as never created.
  tracked.inFlightKeys.add(entry.key);
  return { labels: tracked.labelsOf(entry, createdBy.attribution), entry };
}
