import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { DeadlineError } from '../core/deadline';
import { isCastoffError, messageOf } from '../core/errors';
import { withTimeout } from '../core/timeout';
import { isCancellation } from './cancellation';
import { CommandError, describeExit, describeNoStart, formatCommand, type CommandEnd } from './command-end';
import { LastOutput } from './last-output';
import { hasGroups, ProcessGroup } from './process-group';

export interface CommandOptions {
  /** Where it runs. Default: the working directory. */
  readonly cwd?: string | undefined;
  /** Added to this process's environment; `undefined` takes a variable out. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Time for the command, in milliseconds: then it is stopped, and has failed. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Between SIGTERM and SIGKILL, in milliseconds. Default 5 000. */
  readonly graceMs?: number | undefined;
}

export interface CommandContext extends CommandOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The scope's. */
  readonly scopeSignal: AbortSignal;
  readonly source: string | undefined;
}

const mostOutputChars = 64 * 1024;
/** The pipes of what has ended are empty by then, unless something that it has started holds them. */
const drainTimeoutMs = 250;

/**
 * A command that runs as a child process, in a process group of its own, which its scope ends. Awaiting it gives how it ended.
 */
export class Command implements PromiseLike<CommandEnd> {
  /** @internal */
  readonly what: string;
  /** @internal */
  readonly source: string | undefined;
  readonly #surroundings: CommandContext;
  readonly #text: string;
  readonly #output = new LastOutput(mostOutputChars);
  readonly #startedAt = new Date();
  readonly #result: Promise<CommandEnd>;
  #endedAt: Date | undefined;
  #child: ChildProcess | undefined;
  #group: ProcessGroup | undefined;
  #stoppedFor: { readonly reason: unknown } | undefined;
  #isAwaited = false;

  /** @internal */
  constructor(surroundings: CommandContext) {
    this.#surroundings = surroundings;
    this.#text = formatCommand(surroundings.command, surroundings.args);
    this.what = `command ${this.#text}`;
    this.source = surroundings.source;
    this.#result = this.#run();
    // Nobody may ever ask: the close of the scope tells then.
    this.#result.catch(() => undefined);
  }

  /** How it is with it now; once it has ended, how it ended. */
  get state(): CommandEnd {
    const { pid, exitCode, signalCode } = this.#child ?? {};
    return {
      command: this.#text,
      pid,
      // Node has the error's number there for what could not be started.
      exitCode: pid === undefined ? undefined : (exitCode ?? undefined),
      signal: signalCode ?? undefined,
      output: this.#output.text,
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
    };
  }

  /** @internal */
  get ended(): { readonly command: CommandEnd } {
    return { command: this.state };
  }

  /**
   * Resolves when it has ended with exit code 0. Whoever awaits it is told of its failure: the close of the scope does not tell it
   * again.
   *
   * @throws CommandError `COMMAND_FAILED` when it cannot be started, ends otherwise or is stopped.
   */
  // oxlint-disable-next-line unicorn/no-thenable -- it is there to be awaited
  then<R = CommandEnd, E = never>(
    onFulfilled?: ((end: CommandEnd) => R | PromiseLike<R>) | null,
    onRejected?: ((reason: unknown) => E | PromiseLike<E>) | null,
  ): Promise<R | E> {
    this.#isAwaited = true;
    return this.#result.then(onFulfilled, onRejected);
  }

  /**
   * Ends all of its process group, whether it has itself ended or not.
   *
   * @throws CastoffError `CLEANUP_FAILED` when something of it is left; CommandError `COMMAND_FAILED` when it had failed by
   * itself, and nobody has been told.
   * @internal
   */
  async close(): Promise<void> {
    const { scopeSignal, graceMs = 5_000 } = this.#surroundings;
    if (this.#isRunning()) this.#stoppedFor ??= { reason: scopeSignal.reason };
    await this.#group?.end(this.what, graceMs);
    const [end] = await Promise.allSettled([this.#result]);
    this.#child?.stdout?.destroy();
    this.#child?.stderr?.destroy();
    if (end.status === 'rejected' && !this.#isAwaited && !isCancellation(end.reason, scopeSignal))
      throw end.reason;
  }

  #isRunning(): boolean {
    const { exitCode, signalCode } = this.#child ?? {};
    return exitCode === null && signalCode === null;
  }

  async #run(): Promise<CommandEnd> {
    const { source, cwd } = this.#surroundings;
    const leaving = new AbortController();
    try {
      this.#stopWhenTold(leaving.signal);
      await this.#launch();
    } catch (cause) {
      this.#endedAt = new Date();
      const folder = cwd === undefined || existsSync(cwd) ? undefined : cwd;
      throw new CommandError(this.state, describeNoStart(cause, folder), source, { cause });
    } finally {
      leaving.abort();
    }
    this.#endedAt = new Date();
    const end = this.state;
    if (this.#stoppedFor !== undefined) {
      const { reason: cause } = this.#stoppedFor;
      throw new CommandError(end, `stopped: ${messageOf(cause)}`, source, { cause });
    }
    const failure = describeExit(end);
    if (failure !== undefined) throw new CommandError(end, failure, source);
    return end;
  }

  /** Resolves when it has ended and all that it wrote has been read. */
  async #launch(): Promise<void> {
    const { command, args, cwd, env, scopeSignal } = this.#surroundings;
    scopeSignal.throwIfAborted();
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: hasGroups,
    });
    this.#child = child;
    const drained = once(child, 'close');
    // Where it cannot be started, the wait for its `exit` tells.
    drained.catch(() => undefined);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => this.#output.add(chunk));
    if (isStarted(child)) this.#group = new ProcessGroup(child);
    await once(child, 'exit');
    // What still holds the pipes is no reason to wait for it.
    await Promise.allSettled([withTimeout(drained, { what: this.what, timeoutMs: drainTimeoutMs })]);
  }

  #stopWhenTold(over: AbortSignal): void {
    const { scopeSignal, timeoutMs } = this.#surroundings;
    if (timeoutMs !== undefined) {
      const timer = setTimeout(
        () => this.#stop(new DeadlineError(`run ${this.#text}`, timeoutMs)),
        timeoutMs,
      );
      over.addEventListener('abort', () => clearTimeout(timer), { once: true });
    }
    const hear = (): void => {
      // A scope that closes ends it in its turn: what was begun after it may need it until then.
      if (!isCastoffError(scopeSignal.reason, 'SCOPE_CLOSED')) this.#stop(scopeSignal.reason);
    };
    scopeSignal.addEventListener('abort', hear, { once: true, signal: over });
  }

  #stop(reason: unknown): void {
    const { graceMs = 5_000 } = this.#surroundings;
    this.#stoppedFor ??= { reason };
    // Its failure is told by the close of the scope, which asks for the same end.
    this.#group?.end(this.what, graceMs).catch(() => undefined);
  }
}

function isStarted(child: ChildProcess): child is ChildProcess & { readonly pid: number } {
  return child.pid !== undefined;
}
