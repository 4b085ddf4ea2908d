import { messageOf } from '../../core/errors';
import { withTimeout } from '../../core/timeout';
import { probeEngine } from './probe-engine';

/** Shorter than the timeout of Kubernetes' probes, 1 s. */
const pingTimeoutMs = 800;

/** Resolves to the reason if the engine does not answer within 0.8 s; never rejects. */
export async function findEngineFault(): Promise<string | undefined> {
  const limits = { what: 'ping the engine', timeoutMs: pingTimeoutMs };
  const [probe] = await Promise.allSettled([withTimeout(probeEngine(), limits)]);
  const reason = probe.status === 'fulfilled' ? probe.value : messageOf(probe.reason);
  return reason === undefined ? undefined : `the engine does not answer: ${reason}`;
}
