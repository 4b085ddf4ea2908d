import type { Writable } from 'node:stream';
import { openHttp } from './http';
import type { Log } from './log';
import { createMetrics } from './metrics';
import type { ReaperServer } from './server';
import type { ReaperSettings } from './settings';
import { openJsonLog } from './daemon-log';
import { findEngineFault } from './engine-fault';

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
