import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { startLimit, type DeadlineError } from '../core/deadline';
import { formatDuration } from '../core/durations';
import { isCastoffError, messageOf } from '../core/errors';
import { formatCommand } from '../core/shell-quote';
import { withTimeout } from '../core/timeout';
import { timeouts } from '../core/timeouts';
import { warn } from '../core/warnings';
import { isCancellation } from './cancellation';
import { CommandError, describeExit, describeSpawnError, type CommandEnd } from './command-end';
import type { CommandEnding } from './command-creation';
import type { CloseSettings } from './close-options';
import type { CommandContext } from './command-options';
import { LastOutput } from './last-output';
import { hasGroups } from '../processes/end-group';
import { ProcessGroup } from '../processes/process-group';
import { listStrays, remainingStrays, type Stray } from '../processes/strays';
import { Readiness } from './readiness';

const maxOutputChars = 64 * 1024;
/** After the exit, the pipes drain at once, unless a background process still holds them. */
const drainTimeoutMs = 250;

/** A child process in its own process group. Its scope stops it; awaiting it resolves to its exit status. */
export class Command implements PromiseLike<CommandEnd> {
  /** @internal */
  readonly what: string;
  /** @internal */
  readonly source: string | undefined;
  readonly #context: CommandContext;
  readonly #text: string;
  readonly #output = new LastOutput(maxOutputChars);
  readonly #startedAt = new Date();
  readonly #result: Promise<CommandEnd>;
  readonly #readiness: Readiness;
  #endedAt: Date | undefined;
  #child: ChildProcess | undefined;
  #group: ProcessGroup | undefined;
  #stoppedFor: { readonly reason: unknown } | undefined;
  #isAwaited = false;

  /** @internal */
  constructor(context: CommandContext) {
    this.#context = context;
    this.#text = formatCommand(context.command, context.args);
    this.what = `command ${this.#text}`;
    this.source = context.source;
    this.#readiness = new Readiness(context);
    this.#result = this.#run();
    // If it is never awaited, the close of the scope reports its failure.
    this.#result.catch((error: unknown) => this.#readiness.fail(error));
  }

  /**
   * Resolves when the command is ready, as its option `ready` defines it; without that, when it has started.
   * Awaiting it receives the failure, which the close of the scope then does not report again.
   *
   * @throws CommandError `COMMAND_FAILED` with the end of the output when it ends before it is ready, or is not
   * ready in time.
   */
  get ready(): Promise<void> {
    return this.#readiness.promise;
  }

  /** Its current status; after it has ended, its exit status. */
  get state(): CommandEnd {
    const { pid, exitCode, signalCode } = this.#child ?? {};
    return {
      command: this.#text,
      pid,
      // After a failed spawn, Node sets `exitCode` to the error number.
      exitCode: pid === undefined ? undefined : (exitCode ?? undefined),
      signal: signalCode ?? undefined,
      output: this.#output.text,
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
    };
  }

  /** @internal */
  get ending(): CommandEnding {
    const { pid, exitCode } = this.state;
    const wasStarted = pid !== undefined;
    return { wasStarted, wasStopped: wasStarted && this.#stoppedFor !== undefined, exitCode };
  }

  /** @internal */
  get ended(): { readonly command: CommandEnd } {
    return { command: this.state };
  }

  /**
   * Resolves when the command exits with code 0. Awaiting it receives its failure, which the close of the
   * scope then does not report again.
   *
   * @throws CommandError `COMMAND_FAILED` when it cannot be started, exits with another code or is stopped.
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
   * Stops the whole process group, even if the command itself has already exited.
   *
   * @throws CastoffError `CLEANUP_FAILED` when a process of the group survives; CommandError `COMMAND_FAILED`
   * when the command failed on its own and was never awaited.
   * @internal
   */
  async close({ limit }: Pick<CloseSettings, 'limit'>): Promise<void> {
    const { scopeSignal, creation, graceMs = timeouts.commandGraceMs } = this.#context;
    if (this.#isRunning()) {
      this.#stoppedFor ??= { reason: scopeSignal.reason };
      await creation?.locate(false);
    }
    const strays = this.#group === undefined ? [] : listStrays(this.#group.id);
    await this.#group?.stop(this.what, graceMs, limit.hurry);
    warnStrays(await remainingStrays(strays), this.what, this.source);
    const [end] = await Promise.allSettled([this.#result]);
    this.#child?.stdout?.destroy();
    this.#child?.stderr?.destroy();
    const isReported = this.#isAwaited || this.#readiness.isFailureReported;
    if (end.status === 'rejected' && !isReported && !isCancellation(end.reason, scopeSignal))
      throw end.reason;
  }

  #isRunning(): boolean {
    const { exitCode, signalCode } = this.#child ?? {};
    return exitCode === null && signalCode === null;
  }

  async #run(): Promise<CommandEnd> {
    const { source, cwd, creation } = this.#context;
    const finished = new AbortController();
    try {
      this.#stopOnAbort(finished.signal);
      await this.#launch(finished.signal);
    } catch (cause) {
      this.#endedAt = new Date();
      const missingFolder = cwd === undefined || existsSync(cwd) ? undefined : cwd;
      throw new CommandError(this.state, describeSpawnError(cause, missingFolder), source, { cause });
    } finally {
      finished.abort();
    }
    this.#endedAt = new Date();
    await creation?.locate(true);
    const end = this.state;
    if (this.#stoppedFor !== undefined) {
      const { reason: cause } = this.#stoppedFor;
      throw new CommandError(end, `stopped: ${messageOf(cause)}`, source, { cause });
    }
    const failure = this.#describeFailure(end);
    if (failure !== undefined) throw new CommandError(end, failure, source);
    return end;
  }

  #describeFailure(end: CommandEnd): string | undefined {
    const { unmet } = this.#readiness;
    const failure = describeExit(end);
    return unmet === undefined ? failure : `${failure ?? 'exit code 0'} before it was ready: ${unmet}`;
  }

  /** Resolves when it has exited and its output has been read. */
  async #launch(finished: AbortSignal): Promise<void> {
    const { args, scopeSignal, creation } = this.#context;
    scopeSignal.throwIfAborted();
    const limits = { what: this.what, signal: scopeSignal };
    const runPrepared = creation && (await withTimeout(creation.prepare(), limits));
    scopeSignal.throwIfAborted();
    if (this.#stoppedFor !== undefined) throw this.#stoppedFor.reason;
    const child = runPrepared?.((ownArgs) => this.#spawn(ownArgs)) ?? this.#spawn(args);
    this.#child = child;
    const drained = once(child, 'close');
    // After a failed spawn, the wait for `exit` below rejects with the same error.
    drained.catch(() => undefined);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => this.#output.add(chunk));
    if (isStarted(child)) {
      this.#group = new ProcessGroup(child, this.#context.record(child.pid));
      this.#readiness.watch(child, finished, (error) => this.#failUnready(error));
    }
    await once(child, 'exit');
    // Times out when a background process holds the pipes; its output does not count.
    await Promise.allSettled([withTimeout(drained, { what: this.what, timeoutMs: drainTimeoutMs })]);
  }

  #spawn(args: readonly string[]) {
    const { command, cwd, env } = this.#context;
    return spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: hasGroups,
    });
  }

  #stopOnAbort(finished: AbortSignal): void {
    const { scopeSignal, timeoutMs } = this.#context;
    if (timeoutMs !== undefined) {
      const limit = { what: `run ${this.#text}`, timeoutMs, signal: scopeSignal };
      const stop = startLimit(limit, (error) => this.#stop(error));
      finished.addEventListener('abort', stop, { once: true });
    }
    const onAbort = (): void => {
      // A closing scope stops it in its turn: items added after it may need it until then.
      if (!isCastoffError(scopeSignal.reason, 'SCOPE_CLOSED')) this.#stop(scopeSignal.reason);
    };
    scopeSignal.addEventListener('abort', onAbort, { once: true, signal: finished });
  }

  #failUnready(cause: DeadlineError): void {
    const { unmet = '' } = this.#readiness;
    const after = formatDuration(cause.timeoutMs);
    const message = `not ready after ${after}: ${unmet}`;
    this.#readiness.fail(new CommandError(this.state, message, this.source, { cause }));
    this.#stop(cause);
  }

  #stop(reason: unknown): void {
    const { graceMs = timeouts.commandGraceMs } = this.#context;
    this.#stoppedFor ??= { reason };
    // `close` waits for the same stop, and reports its failure.
    this.#group?.stop(this.what, graceMs).catch(() => undefined);
  }
}

/** A program may have started a daemon on purpose: castoff names it, and does not end it. */
function warnStrays(strays: readonly Stray[], what: string, source: string | undefined): void {
  const line = source === undefined ? '' : ` (${source})`;
  for (const { pid, command } of strays)
    warn(
      'CASTOFF_PROCESS_LEFT',
      `${what}${line}: process ${pid} (${command}) has left its process group and runs on; end it in a finalizer`,
    );
}

function isStarted(child: ChildProcess): child is ChildProcess & { readonly pid: number } {
  return child.pid !== undefined;
}
