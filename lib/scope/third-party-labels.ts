import type { Bounds } from '../core/bounds';
import { messageOf } from '../core/errors';
import { composeProjectLabel } from '../core/labels';
import { warn } from '../core/warnings';
import { claimLabels, hasClaimListeners, releaseLabels } from '../registry/claims';
import { areRequestsLabelled } from './start-context';
import type { StartPlan } from './start-plan';
import { testcontainersLabels } from './testcontainers-session';

/** Claims what `plan` creates without castoff's labels, or `bounds` of a project, for every lease. */
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

/** The session label of testcontainers, on its networks, its images and further resources of a module. */
async function sessionLabels({ kind }: StartPlan): Promise<readonly string[] | undefined> {
  // All of them carry castoff's labels then, and a sandbox may hide the copy of testcontainers in use.
  if (areRequestsLabelled()) return undefined;
  // An object shaped like a test container may not use testcontainers at all.
  if (kind === 'container' && !hasClaimListeners()) return undefined;
  return testcontainersLabels();
}

/**
 * Claims resources that testcontainers creates in this process, if it is already loaded, and keeps it from
 * starting Ryuk. A start in a scope does the same. Never rejects: prints a warning instead.
 */
export async function claimLoadedTestcontainers(): Promise<void> {
  if (!Object.keys(require.cache).some((path) => entryPoint.test(path))) return;
  try {
    const labels = await testcontainersLabels();
    if (labels !== undefined) await claimLabels(labels);
  } catch (error) {
    // testcontainers found no engine where castoff did, so it cannot create anything that could leak.
    warn('CASTOFF_CLAIM_REFUSED', `testcontainers is not claimed: ${messageOf(error)}`);
  }
}

const entryPoint = /[\\/]testcontainers[\\/]build[\\/]index\.js$/;
