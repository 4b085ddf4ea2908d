import { formatDuration } from '../core/durations';
import { plural } from '../core/plural';
import { failure, ok, warning, type DoctorCheck, type CheckResult } from './doctor-check';
import type { DoctorFacts, EngineReadings, Reading, SessionFacts, SocketFacts } from './doctor-facts';

/** Judges the engine: how it was found, its version, who may use it, its clock, and what was left on it. */
export function checkEngine({ engine }: Pick<DoctorFacts, 'engine'>): readonly DoctorCheck[] {
  if ('error' in engine) return [{ name: 'engine', ...noEngine(engine.error) }];
  const { address, from, version, socket, clock, sessions, transport } = engine.value;
  const isPlainTcp = transport.type === 'tcp' && transport.tls === undefined && !isLoopback(transport.host);
  return [
    { name: 'engine', ...ok(`${address} (${from})`) },
    {
      name: 'version',
      ...judgeReading(version, ({ product, version: own, apiVersion, store }) =>
        ok(`${product} ${own}, API ${apiVersion}, store ${store}`),
      ),
    },
    ...(socket === undefined ? [] : [{ name: 'socket', ...judgeReading(socket, judgeSocket) }]),
    ...(isPlainTcp ? [{ name: 'encryption', ...plainTcp }] : []),
    { name: 'clock', ...judgeReading(clock, judgeClock) },
    { name: 'leftovers', ...judgeReading(sessions, judgeSessions) },
  ];
}

/** Judges a value that was read; one that could not be read is a failure. */
export function judgeReading<T>(reading: Reading<T>, judgeValue: (value: T) => CheckResult): CheckResult {
  if ('value' in reading) return judgeValue(reading.value);
  return failure(reading.error, 'repeat castoff doctor; if it fails again, see the log of the engine');
}

function noEngine(error: string): CheckResult {
  const [text = '', ...advice] = error.split('\n').map((line) => line.trim());
  return failure(text, advice.join('; '));
}

function judgeSocket({ path, mode, uid, gid }: SocketFacts): CheckResult {
  const text = `${path}: mode ${mode.toString(8)}, owner ${uid}, group ${gid}`;
  if ((mode & 0o002) === 0) return ok(text);
  return warning(
    `${text}: every user of this machine controls the engine`,
    `remove the access of others: chmod o-rw ${path}`,
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

const plainTcp = warning(
  'the connection is not encrypted, and anyone who reaches the port controls the engine',
  'use TLS (DOCKER_TLS_VERIFY, DOCKER_CERT_PATH) or an ssh:// address',
);

/** Below this, labels and ages agree well enough to compare. */
const maxClockDifferenceMs = 5_000;

function judgeClock({
  aheadMs,
  toleranceMs,
}: Extract<EngineReadings['clock'], { readonly value: unknown }>['value']): CheckResult {
  const difference = Math.abs(aheadMs);
  if (difference <= maxClockDifferenceMs + toleranceMs) return ok('the engine has the time of this machine');
  const side = aheadMs > 0 ? 'ahead of' : 'behind';
  return warning(
    `the engine's clock is ${formatDuration(difference)} ${side} this machine's`,
    'synchronize both clocks: ages are counted by the one of the engine',
  );
}

function judgeSessions(sessions: readonly SessionFacts[]): CheckResult {
  const of = (state: SessionFacts['state']) => sessions.filter((session) => session.state === state);
  const [dead, unknown, alive] = [of('dead'), of('unknown'), of('alive')];
  if (dead.length > 0)
    return warning(
      `${resourcesOf(dead)} of ${plural(dead.length, 'session')} whose owners are dead`,
      'castoff ls lists them, castoff sweep removes them',
    );
  if (unknown.length > 0)
    return ok(
      `${resourcesOf(unknown)} of ${plural(unknown.length, 'session')} whose owners cannot be checked from here`,
      'castoff ls lists them',
    );
  return ok(alive.length === 0 ? 'none' : `none; ${plural(alive.length, 'session')} with live owners`);
}

function resourcesOf(sessions: readonly SessionFacts[]): string {
  return plural(
    sessions.reduce((sum, { resources }) => sum + resources, 0),
    'resource',
  );
}
