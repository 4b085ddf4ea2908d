import { disableRyuk } from '../core/disable-ryuk';
import { readVariable } from '../core/environment';
import { hasClaimListeners } from '../registry/claims';

/** The exports of testcontainers that reveal its session label. */
interface Testcontainers {
  readonly LABEL_TESTCONTAINERS_SESSION_ID: string;
  getContainerRuntimeClient(): Promise<unknown>;
  getReaper(client: unknown): Promise<{ readonly sessionId: string; readonly containerId: string }>;
}

/**
 * Resolves to the label that testcontainers puts on everything that it creates in this process. With a lease,
 * turns Ryuk off first, unless `TESTCONTAINERS_RYUK_DISABLED` is set otherwise. `undefined` when it is not
 * installed, uses its own reaper, whose session others may share, or may join a session without a reaper.
 */
export async function testcontainersLabels(): Promise<readonly string[] | undefined> {
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
 * session of any reaper on the engine, so a claim would cover others. @see build/reaper/reaper.js, getReaper
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
