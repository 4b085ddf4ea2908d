import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { built } from './built';
import { connectRyuk, type RyukClient } from './ryuk-client';
import { until } from './until';

/** A line of its log, as JSON. */
export type LogRecord = Readonly<Record<string, unknown>>;

/** `castoff reaper run`, as a user would start it. */
export interface DaemonReaper extends AsyncDisposable {
  readonly pid: number;
  /** Connects over TCP. */
  connect(): RyukClient;
  /** Asks its HTTP port. */
  get(path: string): Promise<HttpReply>;
  log(): readonly LogRecord[];
  /** From now on what it writes to the log is an error to it (EPIPE). */
  stopReading(): void;
  /** Whether a line of the log comes that has all of `fields`. */
  says(fields: LogRecord, timeoutMs?: number): Promise<boolean>;
  signal(name: 'SIGTERM' | 'SIGHUP'): void;
  /** Its exit code, and what it wrote to stderr. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly stderr: string }>;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

const patienceMs = 20_000;

/** Starts it on ports that are free, with Ryuk's window shortened to 0.1 s; resolves when it answers. */
export async function startDaemon(
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<DaemonReaper> {
  const own = [built.cli, 'reaper', 'run', '--http-port', '0', ...args];
  const child = spawn(process.execPath, own, {
    env: { ...process.env, RYUK_PORT: '0', RYUK_RECONNECTION_TIMEOUT: '0.1s', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let written = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => (written += more));
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const ended = Promise.all([exited, text(child.stderr)]).then(([[exitCode], stderr]) => ({
    exitCode,
    stderr,
  }));

  const log = (): LogRecord[] =>
    written
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogRecord);
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  const says = async (fields: LogRecord, timeoutMs = patienceMs): Promise<boolean> => {
    const isThere = () => log().some((record) => hasAll(record, fields));
    await until(() => isThere() || isOver(), timeoutMs);
    return isThere();
  };
  const addressOf = (msg: string) => String(log().find((record) => record['msg'] === msg)?.['address']);
  if (!(await says({ msg: 'HTTP' }))) {
    child.kill('SIGKILL');
    throw new Error(`start castoff reaper run: ${written}${(await ended).stderr}`);
  }
  return {
    pid: child.pid ?? 0,
    connect: () => connectRyuk(Number(addressOf('Started').split(':').at(-1))),
    get: (path) => askHttp({ url: `${addressOf('HTTP')}${path}` }),
    log,
    stopReading: () => void child.stdout.destroy(),
    says,
    signal: (name) => void child.kill(name),
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function hasAll(record: LogRecord, fields: LogRecord): boolean {
  return Object.entries(fields).every(
    ([name, value]) => JSON.stringify(record[name]) === JSON.stringify(value),
  );
}

/** One request over a connection of its own. */
export async function askHttp(asked: {
  readonly url: string;
  readonly method?: string;
  readonly host?: string;
}): Promise<HttpReply> {
  const { url, method = 'GET', host } = asked;
  const headers = host === undefined ? {} : { host };
  const call = request(url, { method, agent: false, headers });
  const { promise, resolve, reject } = Promise.withResolvers<HttpReply>();
  call.once('error', reject);
  call.once('response', (response) => {
    const { statusCode: status = 0 } = response;
    text(response).then((body) => resolve({ status, headers: response.headers, body }), reject);
  });
  call.end();
  return promise;
}
