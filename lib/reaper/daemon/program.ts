import { print } from '../../core/print';
import { CastoffError } from '../../core/errors';
import { inheritEngineArgument, readInheritedEndpoint } from '../../engine/inherited-endpoint';
import { probeEngine } from './probe-engine';
import type { ReaperEnd } from '../reaping/lease-table';
import type { ReaperMode } from '../leases/reaper-mode';
import { listenTcp } from './listen-tcp';
import { listenLocally } from '../../wire/local-socket';
import { openLog, type Log } from './log';
import { countFacts, settingsLine } from './log-line';
import { ReaperServer, type Listener } from './server';
import type { Sweep } from './periodic-sweep';
import { defaultPort, readSettings, reaperVariables, withTokenOfFile, type ReaperSettings } from './settings';

/** What `castoff reaper run` adds to the program that a container runs. */
export interface ProgramOptions {
  /** Returns the name of a variable for errors: of the flag that it was given by. Default: its own. */
  readonly nameOf?: ((variable: string) => string) | undefined;
  /** Sweeps once, for the setting `sweepEveryMs`. Default: that setting is refused. */
  readonly sweep?: Sweep | undefined;
}

/** In a container, the pids of its clients cannot be checked. */
function noSweep(): CastoffError {
  const { variable } = reaperVariables.sweepEveryMs;
  const advice = 'run castoff reaper run --sweep-every on the machine itself, or castoff sweep from cron';
  return new CastoffError(
    'CONFIG_INVALID',
    `${variable}: a reaper in a container cannot prove that owners are dead; ${advice}`,
  );
}

/**
 * Runs the reaper as a program. Resolves to its exit code: 1 if anything that it reaped still exists, else 0.
 *
 * @throws CastoffError `CONFIG_INVALID` for an invalid mode or setting.
 */
export async function runProgram(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
  { nameOf, sweep }: ProgramOptions = {},
): Promise<number> {
  const { mode, path, replacing, isEngineHanded } = readArguments(args);
  if (isEngineHanded) readInheritedEndpoint();
  const settings = await withTokenOfFile(readSettings(environment, nameOf));
  const { sweepEveryMs: everyMs, isDryRun } = settings;
  if (everyMs !== undefined && sweep === undefined) throw noSweep();
  // Loaded late: metrics and JSON logs would cost the other modes memory.
  const daemon =
    mode === 'daemon'
      ? (await import('./daemon-services.ts')).openDaemonServices(settings, process.stdout)
      : undefined;
  // A sidecar's standard output carries its responses.
  const log = daemon?.log ?? openLog(mode === 'sidecar' ? process.stderr : process.stdout, settings);
  if (settings.isVerbose) log.write(settingsLine(mode, settings));
  const server = new ReaperServer({ mode, settings, observe: log.observe });
  listenToSignals(server, log);
  const listenerSettings = { ...settings, socketPath: path ?? settings.socketPath, replacing };
  if (!(await openListeners(server, mode, listenerSettings, log))) return 0;
  await daemon?.openHttp(server);
  if (everyMs !== undefined && sweep !== undefined) daemon?.startSweeps(server, { everyMs, sweep, isDryRun });
  const end = await server.ended;
  logShutdownSummary(end, log);
  return end.left.length + end.failures.length > 0 ? 1 : 0;
}

const loopback = '127.0.0.1';

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** Starts to listen. Resolves to false if another reaper serves at the path. */
async function openListeners(
  server: ReaperServer,
  mode: ReaperMode,
  settings: ReaperSettings & Pick<Arguments, 'replacing'>,
  log: Log,
): Promise<boolean> {
  const { host, port, listenFd, socketPath, replacing } = settings;
  switch (mode) {
    case 'sidecar':
      server.attach(process.stdin, process.stdout, probeEngine);
      return true;
    case 'ryuk':
      await checkEngine();
      await server.serve(listenTcp({ host, port: port ?? defaultPort, fd: listenFd }), { isTrusted: false });
      return true;
    case 'daemon': {
      const tcpPort = port ?? (socketPath === undefined ? defaultPort : undefined);
      if (tcpPort !== undefined) {
        await server.serve(listenTcp({ host: host ?? loopback, port: tcpPort }), { isTrusted: false });
        if (host !== undefined && !isLoopback(host) && settings.token === undefined)
          log.write({
            level: 'WARN',
            message: 'every host that can connect can make claims; set CASTOFF_REAPER_TOKEN_FILE',
            facts: { address: host },
          });
      }
      if (socketPath === undefined || (await serveLocally(server, log, socketPath))) return true;
      throw new CastoffError(
        'CONFIG_INVALID',
        `listen at ${socketPath}: another reaper already serves there; choose another path`,
      );
    }
    case 'host':
      if (socketPath === undefined)
        throw new CastoffError('CONFIG_INVALID', 'run as a host process: no path; use host <path>');
      return serveLocally(server, log, socketPath, { replacing, unavailableReason: probeEngine });
  }
}

/** Like Ryuk, it does not start without an engine. */
async function checkEngine(): Promise<void> {
  const reason = await probeEngine();
  if (reason !== undefined) throw new CastoffError('ENGINE_UNREACHABLE', reason);
}

async function serveLocally(
  server: ReaperServer,
  log: Log,
  path: string,
  { replacing, unavailableReason }: Pick<Arguments, 'replacing'> & Pick<Listener, 'unavailableReason'> = {},
): Promise<boolean> {
  const listen = listenLocally(path, { replacing });
  const isOurs = (await server.serve(listen, { isTrusted: true, unavailableReason })) !== undefined;
  if (!isOurs)
    log.write({ level: 'INFO', message: 'another reaper already serves there', facts: { address: path } });
  return isOurs;
}

function listenToSignals(server: ReaperServer, log: Log): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => server.drain(signal));
  process.on('SIGHUP', () => log.logSnapshot(server.snapshot()));
}

function logShutdownSummary(end: ReaperEnd, log: Log): void {
  log.write({ level: 'INFO', message: 'ending', facts: { why: end.why } });
  for (const { kind, name, id, reason } of end.left)
    print(`${kind} ${name} (${id.slice(0, 12)}): ${reason}`, 'left');
  for (const failure of end.failures) print(failure, 'left');
  log.write({ level: 'INFO', message: 'removed', facts: countFacts(end.removed) });
}

const modes: readonly ReaperMode[] = ['ryuk', 'sidecar', 'host', 'daemon'];

interface Arguments {
  readonly mode: ReaperMode;
  readonly path?: string | undefined;
  /** The socket at `path` to replace, even if a process listens on it. */
  readonly replacing?: string | undefined;
  readonly isEngineHanded: boolean;
}

const replacingOption = '--replacing=';

function readArguments([name = 'ryuk', path, ...options]: readonly string[]): Arguments {
  const mode = modes.find((candidate) => candidate === name);
  const replacing = options
    .find((option) => option.startsWith(replacingOption))
    ?.slice(replacingOption.length);
  if (mode !== undefined)
    return { mode, path, replacing, isEngineHanded: options.includes(inheritEngineArgument) };
  throw new CastoffError('CONFIG_INVALID', `run the reaper: unknown mode ${name}; use ${modes.join(', ')}`);
}
