import type { Writable } from 'node:stream';
import { messageOf } from '../../core/errors';
import { openHttp } from './http';
import type { Log } from './log';
import { createMetrics } from './metrics';
import type { ReaperServer } from './server';
import type { ReaperSettings } from './settings';
import { openJsonLog } from './daemon-log';
import { findEngineFault } from './engine-fault';
import { sweepPeriodically, type PeriodicSweep } from './periodic-sweep';
import { findAnyEngine } from './probe-engine';
import { openTerminalLog } from './terminal-log';

interface DaemonServices {
  /** Writes JSON lines, and updates the metrics. */
  readonly log: Log;
  /**
   * Serves `/healthz`, `/metrics` and `/sessions` until the reaper has shut down; resolves when it listens.
   *
   * @throws CastoffError `CONFIG_INVALID` when it cannot listen there.
   */
  openHttp(server: ReaperServer): Promise<void>;
  /** Sweeps now and every `everyMs` milliseconds, until the reaper has shut down. */
  startSweeps(server: ReaperServer, sweeps: Omit<PeriodicSweep, 'write'>): void;
}

/** Opens the log on `output`, for people on a terminal and as JSON otherwise, and the metrics. */
export function openDaemonServices(
  settings: Pick<ReaperSettings, 'httpHost' | 'httpPort' | 'isVerbose'>,
  output: Writable & { readonly isTTY?: boolean | undefined },
): DaemonServices {
  // EPIPE: without a reader of the log, the leases live on.
  output.on('error', () => undefined);
  const metrics = createMetrics();
  const log = (output.isTTY === true ? openTerminalLog : openJsonLog)(output, settings);
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
          metrics: async () => {
            const isEngineUp = (await findEngineFault()) === undefined;
            return { text: await metrics.render(server.snapshot(), isEngineUp), type: metrics.type };
          },
          sessions: () => server.snapshot(),
        },
      });
      log.write({ level: 'INFO', message: 'HTTP', facts: { address: port.address } });
      void logEngine(log);
      void server.ended.then(() => port.close());
    },
    startSweeps(server, sweeps) {
      const sweeping = sweepPeriodically({ ...sweeps, write: (line) => log.write(line) });
      void server.ended.then(() => sweeping.stop());
    },
  };
}

/** Never rejects. Clients may connect meanwhile: a reaper needs its engine only when it reaps. */
async function logEngine(log: Log): Promise<void> {
  const found = await findAnyEngine().catch((error: unknown) => ({ reason: messageOf(error) }));
  if ('reason' in found) log.write({ level: 'WARN', message: 'no engine', facts: { error: found.reason } });
  else {
    const { address, from } = found.endpoint;
    log.write({ level: 'INFO', message: 'engine', facts: { engine: address, from } });
  }
}
