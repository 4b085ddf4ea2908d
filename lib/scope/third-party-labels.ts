import type { Bounds } from '../core/bounds';
import { composeProjectLabel } from '../core/labels';
import { claimLabels, hasClaimListeners, releaseLabels } from '../registry/claims';
import { areRequestsLabelled } from './start-context';
import type { StartPlan } from './startable';
import { testcontainersLabels } from './testcontainers-session';

/**
 * Adds a claim on resources that `plan` will create without castoff's labels to every current and future
 * lease of this process.
 *
 * @param bounds - The parts of a Compose project to claim.
 */
export async function claimThirdParty(plan: StartPlan, bounds?: Bounds): Promise<void> {
  const project = projectLabels(plan);
  if (project !== undefined) return claimLabels(project, bounds);
  const labels = await sessionLabels(plan);
  if (labels !== undefined) await claimLabels(labels);
}

/** Releases the claim on a removed Compose project, whose label is only a name that others may use again. */
export async function releaseThirdParty(
  plan: Pick<StartPlan, 'kind' | 'name'>,
  bounds?: Bounds,
): Promise<void> {
  const labels = projectLabels(plan);
  if (labels !== undefined) await releaseLabels(labels, bounds);
}

function projectLabels({ kind, name }: Pick<StartPlan, 'kind' | 'name'>): readonly string[] | undefined {
  return kind === 'compose-project' ? [`${composeProjectLabel}=${name}`] : undefined;
}

/**
 * The session label that testcontainers puts on its networks, on the images that it builds, and on resources
 * that a module creates besides the returned container.
 */
async function sessionLabels({ kind }: StartPlan): Promise<readonly string[] | undefined> {
  // All of them then carry castoff's labels, and the copy of testcontainers in use may be out of reach in a
  // sandbox.
  if (areRequestsLabelled()) return undefined;
  // An object shaped like a test container may not use testcontainers at all.
  if (kind === 'container' && !hasClaimListeners()) return undefined;
  return testcontainersLabels();
}
