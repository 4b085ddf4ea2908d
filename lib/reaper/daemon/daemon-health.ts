import { messageOf } from '../../core/errors';
import { withTimeout } from '../../core/timeout';
import { SingleFlight } from '../../core/single-flight';
import { connectEngine } from '../../engine/connect';
import type { Engine } from '../../engine/engine';

/** Shorter than the timeout of Kubernetes' probes, 1 s. */
const pingTimeoutMs = 800;

/**
 * Returns a function that pings the engine and resolves to the reason if it does not answer, else to
 * `undefined`. It takes at most 0.8 s, never rejects, and shares one ping among concurrent calls.
 */
export function createEngineCheck(
  connect: () => Promise<Engine> = connectEngine,
): () => Promise<string | undefined> {
  const flights = new SingleFlight<Promise<string | undefined>>();
  return () => flights.run('ping', (release) => checkEngine(connect).finally(release));
}

async function checkEngine(connect: () => Promise<Engine>): Promise<string | undefined> {
  const limit = { what: 'ping the engine', timeoutMs: pingTimeoutMs };
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
