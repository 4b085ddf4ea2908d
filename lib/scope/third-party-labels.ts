import type { Bounds } from '../core/bounds';
import { composeProjectLabel } from '../core/labels';
import { claimLabels, hasClaimListeners, releaseLabels } from '../registry/claims';
import { areRequestsLabelled } from './start-context';
import type { StartPlan } from './startable';
import { testcontainersLabels } from './testcontainers-session';

/**
 * Has the leases of this process, also those yet to be taken, claim what `plan` will create and castoff's own labels will not be
 * on.
 *
 * @param bounds - Which parts of a Compose project.
 */
export async function claimThirdParty(plan: StartPlan, bounds?: Bounds): Promise<void> {
  const project = labelsOfProject(plan);
  if (project !== undefined) return claimLabels(project, bounds);
  const labels = await labelsOfTestcontainers(plan);
  if (labels !== undefined) await claimLabels(labels);
}

/** Gives up the claim on what is gone for good, where the labels are only a name: it is anybody's now. */
export async function releaseThirdParty(
  thing: Pick<StartPlan, 'kind' | 'name'>,
  bounds?: Bounds,
): Promise<void> {
  const labels = labelsOfProject(thing);
  if (labels !== undefined) await releaseLabels(labels, bounds);
}

function labelsOfProject({ kind, name }: Pick<StartPlan, 'kind' | 'name'>): readonly string[] | undefined {
  return kind === 'compose-project' ? [`${composeProjectLabel}=${name}`] : undefined;
}

/**
 * The session that testcontainers writes on its networks, on the images that it builds, and on what a module makes beside the
 * container that it returns.
 */
async function labelsOfTestcontainers({ kind }: StartPlan): Promise<readonly string[] | undefined> {
  // Our own are on all of it then, and the copy of testcontainers that makes it may be one in a sandbox, out of our sight.
  if (areRequestsLabelled()) return undefined;
  // What only looks like a container of testcontainers may have nothing to do with it.
  if (kind === 'container' && !hasClaimListeners()) return undefined;
  return testcontainersLabels();
}
