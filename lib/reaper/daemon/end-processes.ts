import { messageOf } from '../../core/errors';
import { labelNames } from '../../core/labels';
import type { Claim } from '../leases/claim';
import type { Observer } from '../reaping/observer';
import type { Reap } from '../reaping/reap-jobs';

/**
 * Returns a `reap` that also ends the child processes of commands whose parent is proven dead, as the journals of
 * the claimed session on this machine name them. For a reaper that runs as a process of the same user and machine
 * as its clients: clients only name the session, and no request names a process.
 */
export function alsoEndProcesses(reap: Reap, observe: Observer): Reap {
  return async (claim, options) => {
    const ending = endProcesses(claim, options.signal, observe);
    try {
      return await reap(claim, options);
    } finally {
      await ending;
    }
  };
}

/** Never rejects. */
async function endProcesses(claim: Claim, signal: AbortSignal, observe: Observer): Promise<void> {
  const session = sessionOf(claim);
  if (session === undefined) return;
  const note = (text: string): void => observe({ type: 'noted', text });
  try {
    // Loaded at the first end of a lease: most of a reaper's life, it needs neither.
    const { readJournals } = await import('../../registry/session-journals.ts');
    const { endLeftProcesses } = await import('../../registry/left-processes.ts');
    const { ended, errors } = await endLeftProcesses(readJournals(session), { signal });
    for (const { record, proof } of ended)
      note(`ended process ${record.process.pid} (${record.command}): ${proof}`);
    for (const error of errors) note(messageOf(error));
  } catch (error) {
    note(`read the journals of session ${session}: ${messageOf(error)}`);
  }
}

/** Returns the session that a claim covers as a whole. */
function sessionOf({ labels, bounds }: Claim): string | undefined {
  const [label = ''] = labels;
  const prefix = `${labelNames.session}=`;
  const session = label.slice(prefix.length);
  // It becomes a part of a path.
  const isWhole = labels.length === 1 && bounds === undefined && label.startsWith(prefix);
  return isWhole && /^[0-9a-f]{12}$/.test(session) ? session : undefined;
}
