import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { Duplex, finished, type Readable, type Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Transport } from './endpoint';
import { singleQuote } from '../core/shell-quote';

type SshTransport = Omit<Extract<Transport, { type: 'ssh' }>, 'type'>;

/**
 * Opens a connection to a remote engine through the system's own `ssh`, which knows the user's keys, agent,
 * aliases and jump hosts.
 *
 * The connection does not keep the process alive, and its `ssh` has exited once it has closed. When this
 * process ends, `ssh` and the engine read the end of their input, which ends the call, except for an attached
 * container without output.
 *
 * Emits `connect` on the first byte from the remote host: `ssh` does not report the connection any earlier.
 * Errors have the code `ESSH` and the last output of `ssh`.
 *
 * @see docker/cli, `cli/connhelper` and `cli/command/system/dial_stdio.go`
 */
export function openSshConnection(transport: SshTransport): Duplex {
  return new SshConnection(transport);
}

type Ssh = ChildProcessByStdio<Writable, Readable, Readable>;

class SshConnection extends Duplex {
  readonly #ssh: Ssh;

  constructor(transport: SshTransport) {
    super({ allowHalfOpen: false });
    const ssh = spawnSsh(transport);
    this.#ssh = ssh;
    ssh.on('error', (error) => this.destroy(sshError(transport, error.message, error)));
    // Not started: `error` follows. Without free file descriptors, there are no pipes either.
    if (ssh.pid === undefined) return;
    ssh.stdout.once('data', () => this.emit('connect'));
    ssh.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) ssh.stdout.pause();
    });
    ssh.stdin.on('error', () => {
      // EPIPE: ssh is exiting, and its exit reports the reason.
    });
    void this.#waitForExit(transport);
  }

  async #waitForExit(transport: SshTransport): Promise<void> {
    const ssh = this.#ssh;
    let stderr = '';
    ssh.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-2_000);
    });
    const stderrEnd = ended(ssh.stderr);
    await Promise.all([new Promise<void>((resolve) => this.#whenExited(resolve)), ended(ssh.stdout)]);
    if (ssh.exitCode === 0) {
      this.push(null);
      return;
    }
    // A ControlMaster in the background may keep stderr open: the output of ssh itself has arrived by now.
    await Promise.race([stderrEnd, delay(200, undefined, { ref: false })]);
    const exit = ssh.signalCode ?? `exit code ${ssh.exitCode}`;
    const lines = stderr.split('\n').map((line) => line.trim());
    this.destroy(sshError(transport, [exit, ...lines.filter((line) => line !== '').slice(-3)].join(': ')));
  }

  #whenExited(done: () => void): void {
    const { pid, exitCode, signalCode } = this.#ssh;
    if (pid === undefined || exitCode !== null || signalCode !== null) done();
    else this.#ssh.once('exit', () => done());
  }

  override _read(): void {
    if (this.#ssh.pid !== undefined) this.#ssh.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#ssh.pid === undefined) return;
    this.#ssh.stdin.write(chunk, (error) => {
      // As on any socket, data that an exiting ssh did not read counts as written: reading reports the exit.
      if (error) this.#whenExited(done);
      else done();
    });
  }

  override _final(done: () => void): void {
    if (this.#ssh.pid !== undefined) this.#ssh.stdin.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const ssh = this.#ssh;
    for (const stream of pipesOf(ssh)) stream.destroy();
    const killTimer = setTimeout(() => ssh.kill('SIGKILL'), 2_000).unref();
    this.#whenExited(() => {
      clearTimeout(killTimer);
      done(error);
    });
    ssh.kill('SIGTERM');
  }

  // Methods of a socket that `http` calls; no-ops on these pipes.

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  destroySoon(): void {
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy()).end();
  }
}

function spawnSsh({ destination, port, socketPath }: SshTransport): Ssh {
  const host = socketPath === undefined ? '' : ` --host=${singleQuote(`unix://${socketPath}`)}`;
  const options = ['-o', 'ConnectTimeout=30', '-T', ...(port === undefined ? [] : ['-p', String(port)])];
  const ssh = spawn('ssh', [...options, '--', destination, `docker${host} system dial-stdio`], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: process.env,
    windowsHide: true,
    // Its own session: Ctrl-C must not end the connection that cleanup needs, and ssh must not prompt for a
    // password.
    detached: process.platform !== 'win32',
  });
  ssh.unref();
  for (const pipe of pipesOf(ssh)) {
    // Pipes are sockets, although their type does not show it.
    if ('unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
  }
  return ssh;
}

function pipesOf(ssh: Ssh): readonly (Readable | Writable)[] {
  return ssh.pid === undefined ? [] : [ssh.stdin, ssh.stdout, ssh.stderr];
}

function sshError({ destination, port }: SshTransport, reason: string, cause?: NodeJS.ErrnoException): Error {
  const command = ['ssh', ...(port === undefined ? [] : ['-p', port]), destination, 'docker version'].join(
    ' ',
  );
  const advice = cause?.code === 'ENOENT' ? 'install an OpenSSH client' : `try "${command}" by hand`;
  const message = `reach the engine on ${destination} over ssh: ${reason}; ${advice}`;
  return Object.assign(new Error(message, cause === undefined ? {} : { cause }), { code: 'ESSH' });
}

function ended(stream: Readable): Promise<void> {
  return new Promise((resolve) => finished(stream, () => resolve()));
}
