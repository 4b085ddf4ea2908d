import { printWarning } from '../core/print';
import { messageOf } from '../core/errors';
import { claimLabels, hasClaimListeners } from '../registry/claims';
import { disableRyuk } from '../core/disable-ryuk';

/** The part of testcontainers that tells which label it puts on what it creates. */
interface Testcontainers {
  readonly LABEL_TESTCONTAINERS_SESSION_ID: string;
  getContainerRuntimeClient(): Promise<unknown>;
  getReaper(client: unknown): Promise<{ readonly sessionId: string; readonly containerId: string }>;
}

/**
 * Has the leases of this process claim what testcontainers creates in it, where that is loaded already; Ryuk is not started then. A
 * start through a scope does so too. Never rejects.
 */
export async function claimLoadedTestcontainers(): Promise<void> {
  if (!Object.keys(require.cache).some((path) => entryPoint.test(path))) return;
  try {
    const labels = await testcontainersLabels();
    if (labels !== undefined) await claimLabels(labels);
  } catch (error) {
    // It finds no engine where castoff does: then it creates nothing that could be left.
    printWarning(`testcontainers is not claimed: ${messageOf(error)}`, 'CASTOFF_CLAIM_REFUSED');
  }
}

const entryPoint = /[\\/]testcontainers[\\/]build[\\/]index\.js$/;

/**
 * The label that testcontainers puts on everything that it creates in this process. `undefined`: it has a reaper of its own, whose
 * session it may share with others on this machine; it is a version that may share one without a reaper; or it is not there. With a
 * lease Ryuk is turned off where castoff takes its place, unless `TESTCONTAINERS_RYUK_DISABLED` says otherwise.
 */
export async function testcontainersLabels(): Promise<readonly string[] | undefined> {
  if (!hasOwnSession(installedVersion())) return undefined;
  // It keeps what it decides with this call. Another copy of it is not covered by the claim.
  const turnBack = hasClaimListeners() ? disableRyuk(process) : () => undefined;
  try {
    if (process.env['TESTCONTAINERS_RYUK_DISABLED'] !== 'true') return undefined;
    const testcontainers = await loadTestcontainers();
    if (testcontainers === undefined) return undefined;
    const client = await testcontainers.getContainerRuntimeClient();
    const { sessionId, containerId } = await testcontainers.getReaper(client);
    if (containerId !== '') return undefined;
    return [`${testcontainers.LABEL_TESTCONTAINERS_SESSION_ID}=${sessionId}`];
  } finally {
    turnBack();
  }
}

/**
 * Whether a version of testcontainers has a session of its own while Ryuk is off. Those before 11.12 take over the session of any
 * reaper that runs on the engine: with it, a claim would cover what other processes created.
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
    // MODULE_NOT_FOUND: something of the same shape, in a project without testcontainers.
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
