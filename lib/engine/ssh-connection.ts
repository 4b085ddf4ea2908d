import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { Duplex, finished, type Readable, type Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Transport } from './endpoint';

type SshTransport = Omit<Extract<Transport, { type: 'ssh' }>, 'type'>;

/**
 * A connection to the engine on the other side of the system's own `ssh`, which knows the user's keys, agent, aliases and
 * jump hosts. It does not hold the process. Once it has closed, its `ssh` is gone. When this process dies, `ssh` reads the
 * end of its stdin, and so does the engine, which ends the call; an attached container that goes on in silence keeps it.
 *
 * Emits `connect` with the first byte from over there: `ssh` does not tell any earlier that it is through. Its errors have
 * the code `ESSH` and say the last words of `ssh`.
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
    // It did not start; with no file descriptor left it does not even have pipes. The error is on its way.
    if (ssh.pid === undefined) return;
    ssh.stdout.once('data', () => this.emit('connect'));
    ssh.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) ssh.stdout.pause();
    });
    ssh.stdin.on('error', () => {
      // EPIPE: ssh is ending, and its end says why.
    });
    void this.#awaitEnd(transport);
  }

  async #awaitEnd(transport: SshTransport): Promise<void> {
    const ssh = this.#ssh;
    let lastWords = '';
    ssh.stderr.on('data', (chunk: Buffer) => {
      lastWords = (lastWords + chunk.toString()).slice(-2_000);
    });
    const stderrEnd = ended(ssh.stderr);
    await Promise.all([new Promise<void>((resolve) => this.#whenGone(resolve)), ended(ssh.stdout)]);
    if (ssh.exitCode === 0) {
      this.push(null);
      return;
    }
    // A ControlMaster that stays in the background can hold stderr open: what ssh said is there by now.
    await Promise.race([stderrEnd, delay(200, undefined, { ref: false })]);
    const how = ssh.signalCode ?? `exit code ${ssh.exitCode}`;
    const lines = lastWords.split('\n').map((line) => line.trim());
    this.destroy(sshError(transport, [how, ...lines.filter((line) => line !== '').slice(-3)].join(': ')));
  }

  #whenGone(done: () => void): void {
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
      // What an ssh that is ending did not take counts as written, as on any socket: the reader sees how it ended.
      if (error) this.#whenGone(done);
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
    const impatience = setTimeout(() => ssh.kill('SIGKILL'), 2_000).unref();
    this.#whenGone(() => {
      clearTimeout(impatience);
      done(error);
    });
    ssh.kill('SIGTERM');
  }

  // What `http` calls on a socket: there is nothing to do on pipes that hold nothing.

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
  const host = socketPath === undefined ? '' : ` --host=${quoteForShell(`unix://${socketPath}`)}`;
  const options = ['-o', 'ConnectTimeout=30', '-T', ...(port === undefined ? [] : ['-p', String(port)])];
  const ssh = spawn('ssh', [...options, '--', destination, `docker${host} system dial-stdio`], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: process.env,
    windowsHide: true,
    // A session of its own: Ctrl-C is for us, whose cleanup needs the connection; and nobody is asked for a password.
    detached: process.platform !== 'win32',
  });
  ssh.unref();
  for (const pipe of pipesOf(ssh)) {
    // Pipes are sockets, whatever their type says.
    if ('unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
  }
  return ssh;
}

function pipesOf(ssh: Ssh): readonly (Readable | Writable)[] {
  return ssh.pid === undefined ? [] : [ssh.stdin, ssh.stdout, ssh.stderr];
}

function sshError({ destination, port }: SshTransport, why: string, cause?: NodeJS.ErrnoException): Error {
  const byHand = ['ssh', ...(port === undefined ? [] : ['-p', port]), destination, 'docker version'].join(
    ' ',
  );
  const advice = cause?.code === 'ENOENT' ? 'install the client of OpenSSH' : `try "${byHand}" by hand`;
  const message = `reach the engine on ${destination} over ssh: ${why}; ${advice}`;
  return Object.assign(new Error(message, cause === undefined ? {} : { cause }), { code: 'ESSH' });
}

function ended(stream: Readable): Promise<void> {
  return new Promise((resolve) => finished(stream, () => resolve()));
}

function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
