import { messageOf } from '../../core/errors';
import { withTimeout } from '../../core/timeout';
import { SingleFlight } from '../../core/single-flight';
import { connectEngine } from '../../engine/connect';
import type { Engine } from '../../engine/engine';

/** Less than the patience of those who ask: Kubernetes' probes wait 1 s. */
const pingTimeoutMs = 800;

/**
 * What keeps the engine from answering, found out anew each time; `undefined`: it answers. Takes 0.8 s at the most, never
 * rejects, and asks once for all who want to know at the same time.
 */
export function watchEngine(
  connect: () => Promise<Engine> = connectEngine,
): () => Promise<string | undefined> {
  const flights = new SingleFlight<Promise<string | undefined>>();
  return () => flights.run('ping', (land) => findFault(connect).finally(land));
}

async function findFault(connect: () => Promise<Engine>): Promise<string | undefined> {
  const limit = { what: 'ask the engine', timeoutMs: pingTimeoutMs };
  try {
    const engine = await withTimeout(connect(), limit);
    const answer = await engine
      .within({ timeoutMs: pingTimeoutMs })
      .ask('ping', engine.address, (docker, abortSignal) => (docker as Pingable).ping({ abortSignal }));
    return answer.meaning === 'done' ? undefined : `the engine does not answer: ${messageOf(answer.error)}`;
  } catch (error) {
    return `the engine does not answer: ${messageOf(error)}`;
  }
}

/** @see dockerode, docker.js: ping(opts, callback); its types know no options */
interface Pingable {
  ping(options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
}
