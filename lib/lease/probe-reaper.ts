import type { Owner } from '../core/labels';
import { packageVersion } from '../core/package-version';
import { withTimeout } from '../core/timeout';
import { protocolVersion, type Request } from '../reaper/protocol/message';
import { connectToReaper, leaseRefused } from './connect-to-reaper';
import type { ReaperAddress } from './reaper-address';
import { openReaperConnection } from './reaper-connection';

const answerTimeoutMs = 5_000;

/**
 * Checks that a reaper accepts leases of `owner`, with the token of `reaper`. Claims nothing there.
 *
 * @throws CastoffError `REAPER_UNAVAILABLE` with the reason, and what to check.
 */
export async function probeReaper(reaper: ReaperAddress, owner: Owner): Promise<void> {
  const { requests } = openReaperConnection(await connectToReaper(reaper), `the reaper at ${reaper.address}`);
  const { token } = reaper;
  const hello: Omit<Extract<Request, { type: 'hello' }>, 'id'> = {
    type: 'hello',
    protocol: protocolVersion,
    version: packageVersion,
    session: 'doctor',
    owner,
    token,
  };
  try {
    const limits = { what: 'wait for its answer', timeoutMs: answerTimeoutMs };
    const reply = await withTimeout(requests.request(hello), limits);
    if (!reply.ok) throw new Error(reply.reason);
    await withTimeout(requests.request({ type: 'bye' }), limits);
  } catch (cause) {
    throw leaseRefused(reaper, cause);
  } finally {
    requests.destroy();
  }
}
