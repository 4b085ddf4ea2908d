import type { Writable } from 'node:stream';
import { messageOf } from '../../core/errors';
import { withTimeout } from '../../core/timeout';
import { openHttp } from './http';
import type { Log } from './log';
import { createMetrics } from './metrics';
import type { ReaperServer } from './server';
import type { ReaperSettings } from './settings';
import { openJsonLog } from './daemon-log';
import { probeEngine } from './probe-engine';

interface DaemonServices {
  /** Writes JSON lines, and updates the metrics. */
  readonly log: Log;
  /**
   * Serves `/healthz`, `/metrics` and `/sessions` until the reaper has shut down; resolves when it listens.
   *
   * @throws CastoffError `CONFIG_INVALID` when it cannot listen there.
   */
  openHttp(server: ReaperServer): Promise<void>;
}

/** Opens the log on `output`, and the metrics. */
export function openDaemonServices(
  settings: Pick<ReaperSettings, 'httpHost' | 'httpPort' | 'isVerbose'>,
  output: Writable,
): DaemonServices {
  // EPIPE: without a reader of the log, the leases live on.
  output.on('error', () => undefined);
  const metrics = createMetrics();
  const log = openJsonLog(output, settings);
  return {
    log: {
      ...log,
      observe(event) {
        metrics.observe(event);
        log.observe(event);
      },
    },
    async openHttp(server) {
      const port = await openHttp({
        host: settings.httpHost,
        port: settings.httpPort,
        sources: {
          checkHealth: async () => {
            const fault = await findEngineFault();
            return server.snapshot().isDraining ? 'shutting down: no new clients are accepted' : fault;
          },
          metrics: async () => ({ text: await metrics.render(server.snapshot()), type: metrics.type }),
          sessions: () => server.snapshot(),
        },
      });
      log.write({ level: 'INFO', message: 'HTTP', facts: { address: port.address } });
      void server.ended.then(() => port.close());
    },
  };
}

/** Shorter than the timeout of Kubernetes' probes, 1 s. */
const pingTimeoutMs = 800;

/** Resolves to the reason if the engine does not answer within 0.8 s; never rejects. */
async function findEngineFault(): Promise<string | undefined> {
  const [probe] = await Promise.allSettled([
    withTimeout(probeEngine(), { what: 'ping the engine', timeoutMs: pingTimeoutMs }),
  ]);
  const reason = probe.status === 'fulfilled' ? probe.value : messageOf(probe.reason);
  return reason === undefined ? undefined : `the engine does not answer: ${reason}`;
}
