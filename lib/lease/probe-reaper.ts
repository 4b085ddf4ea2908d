import { withTimeout } from '../core/timeout';
import { connectToReaper, leaseRefused } from './connect-to-reaper';
import type { ReaperAddress } from './reaper-address';
import { openReaperConnection } from './reaper-connection';

const answerTimeoutMs = 5_000;

/**
 * Checks that a reaper answers, with the token of `reaper`. Takes no lease: in place of Ryuk, it would exit after that.
 *
 * @throws CastoffError `REAPER_UNAVAILABLE` with the reason, and what to check.
 */
export async function probeReaper(reaper: ReaperAddress): Promise<void> {
  const { requests } = openReaperConnection(await connectToReaper(reaper), `the reaper at ${reaper.address}`);
  const { token } = reaper;
  try {
    const limits = { what: 'wait for its answer', timeoutMs: answerTimeoutMs };
    const reply = await withTimeout(requests.request({ type: 'ping', token }), limits);
    if (!reply.ok) throw new Error(reply.reason);
  } catch (cause) {
    throw leaseRefused(reaper, cause);
  } finally {
    requests.destroy();
  }
}
