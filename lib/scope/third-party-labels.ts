import type { Bounds } from '../core/bounds';
import { disableRyuk } from '../core/disable-ryuk';
import { readVariable } from '../core/environment';
import { messageOf } from '../core/errors';
import { composeProjectLabel } from '../core/labels';
import { warn } from '../core/warnings';
import { claimLabels, hasClaimListeners, releaseLabels } from '../registry/claims';
import { areRequestsLabelled } from './start-context';
import type { StartPlan } from './startable';

/**
 * Adds a claim on what `plan` creates without castoff's labels to every current and future lease of this
 * process; `bounds` limits it to parts of a Compose project.
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

/** The session label of testcontainers, on its networks, its images and further resources of a module. */
async function sessionLabels({ kind }: StartPlan): Promise<readonly string[] | undefined> {
  // All of them carry castoff's labels then, and a sandbox may hide the copy of testcontainers in use.
  if (areRequestsLabelled()) return undefined;
  // An object shaped like a test container may not use testcontainers at all.
  if (kind === 'container' && !hasClaimListeners()) return undefined;
  return testcontainersLabels();
}

/** The exports of testcontainers that reveal its session label. */
interface Testcontainers {
  readonly LABEL_TESTCONTAINERS_SESSION_ID: string;
  getContainerRuntimeClient(): Promise<unknown>;
  getReaper(client: unknown): Promise<{ readonly sessionId: string; readonly containerId: string }>;
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

/**
 * Resolves to the label that testcontainers puts on everything that it creates in this process. With a lease,
 * turns Ryuk off first, unless `TESTCONTAINERS_RYUK_DISABLED` is set otherwise. `undefined` when it is not
 * installed, uses its own reaper, whose session others may share, or may join a session without a reaper.
 */
async function testcontainersLabels(): Promise<readonly string[] | undefined> {
  if (!hasOwnSession(installedVersion())) return undefined;
  // testcontainers stores the decision of this call. The claim does not cover other copies of it.
  const restore = hasClaimListeners() ? disableRyuk(process) : () => undefined;
  try {
    if (readVariable('TESTCONTAINERS_RYUK_DISABLED') !== 'true') return undefined;
    const testcontainers = await loadTestcontainers();
    if (testcontainers === undefined) return undefined;
    const client = await testcontainers.getContainerRuntimeClient();
    const { sessionId, containerId } = await testcontainers.getReaper(client);
    if (containerId !== '') return undefined;
    return [`${testcontainers.LABEL_TESTCONTAINERS_SESSION_ID}=${sessionId}`];
  } finally {
    restore();
  }
}

/**
 * Whether a version of testcontainers uses its own session while Ryuk is off. Versions before 11.12 join the
 * session of any reaper on the engine, so a claim would cover resources of other processes.
 *
 * @see testcontainers, build/reaper/reaper.js, getReaper
 */
export function hasOwnSession(version: string | undefined): boolean {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  return major > 11 || (major === 11 && minor >= 12);
}

function installedVersion(): string | undefined {
  try {
    return (require('testcontainers/package.json') as { readonly version: string }).version;
  } catch {
    // MODULE_NOT_FOUND: the startable only resembles testcontainers, which is not installed.
    return undefined;
  }
}

async function loadTestcontainers(): Promise<Testcontainers | undefined> {
  try {
    return await import('testcontainers');
  } catch (error) {
    if (String((error as { code?: unknown }).code).endsWith('MODULE_NOT_FOUND')) return undefined;
    throw error;
  }
}
