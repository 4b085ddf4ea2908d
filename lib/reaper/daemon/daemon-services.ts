import type { Writable } from 'node:stream';
import { openHttp } from './http';
import type { Log } from './log';
import { createMetrics } from './metrics';
import type { ReaperServer } from './server';
import type { ReaperSettings } from './settings';
import { watchEngine } from './daemon-health';
import { openJsonLog } from './daemon-log';

/** What a reaper has that runs for long: a log for programs, figures, and an HTTP port. */
export interface DaemonServices {
  /** Writes JSON lines, and counts. */
  readonly log: Log;
  /**
   * Answers `/healthz`, `/metrics` and `/sessions` until the server's life is over; resolves when it listens.
   *
   * @throws CastoffError `CONFIG_INVALID` when it cannot listen there.
   */
  openHttp(server: ReaperServer): Promise<void>;
}

export function openDaemonServices(
  settings: Pick<ReaperSettings, 'httpHost' | 'httpPort' | 'isVerbose'>,
  output: Writable,
): DaemonServices {
  // EPIPE: who read the log is gone, and the leases are not.
  output.on('error', () => undefined);
  const metrics = createMetrics();
  const log = openJsonLog(output, settings);
  const askEngine = watchEngine();
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
          findFault: async () => {
            const fault = await askEngine();
            return server.snapshot().isDraining
              ? 'it ends with its last client: nobody new is served'
              : fault;
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
