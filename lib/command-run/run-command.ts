import { messageOf } from '../core/errors';
import { print } from '../core/print';
import { formatCommand } from '../core/shell-quote';
import { killTree } from '../processes/process-tree';
import { describeFate } from '../run/run-signals';
import { handleSignals, type CommandSignals } from './command-signals';
import { settingsOf, type CommandRunOptions } from './command-settings';
import {
  codeOfFailedStart,
  codeOfSignal,
  endOfProcess,
  statusAfter,
  type CommandStatus,
} from './command-status';
import { openCommandRun, type CommandRun } from './open-command-run';
import { recordCommand } from './record-command';
import { startCommand, type StartedCommand } from './start-command';

/**
 * Runs a command in a session, and removes what it created through the engine's API when it has ended. Resolves to
 * how this process is to end: like the command; with 1 where the command succeeded and its run failed; with 126 or
 * 127 where it could not be started.
 *
 * @throws CastoffError as `openSession` does, before the command starts.
 */
export async function runCommand(
  command: readonly string[],
  options: CommandRunOptions = {},
): Promise<CommandStatus> {
  const [file = '', ...args] = command;
  const title = formatCommand(file, args);
  const settings = settingsOf(options);
  const commandRun = await openCommandRun(title, settings, options);
  const signals = handleSignals({
    announce: (signal) => print(`${signal}: removing the run's resources; send it again to exit at once`),
    endAtOnce(signal, child) {
      signals.stop();
      if (child !== undefined) killTree(child);
      print(`${signal}: exiting at once; the run's resources ${describeFate(commandRun.run)}`);
      endProcess({ signal });
    },
  });
  try {
    const status = await runWithin(commandRun, command, title, signals);
    // Loaded when nothing waits for it.
    const { closeCommandRun } = await import('./close-command-run.ts');
    const { reportCommand } = await import('./report-command.ts');
    const end = await closeCommandRun(commandRun, status, {
      settings,
      removesImages: options.images === 'remove',
    });
    const isReported = await reportCommand({
      ...end,
      command: title,
      status,
      commandRun,
      reportFile: options.report,
    });
    return statusAfter(status, end.verdict.isFailure || !isReported);
  } finally {
    signals.stop();
  }
}

/** Ends this process like a command that ended with that status. */
export function endProcess(status: CommandStatus): never {
  const end = endOfProcess(status);
  if ('code' in end) return process.exit(end.code);
  process.kill(process.pid, end.signal);
  // Here only if the signal does not end this process.
  return process.exit(codeOfSignal(end.signal));
}

async function runWithin(
  { environment, run }: CommandRun,
  command: readonly string[],
  title: string,
  signals: CommandSignals,
): Promise<CommandStatus> {
  let started: StartedCommand;
  try {
    started = await startCommand(command, environment);
  } catch (error) {
    print(`run ${title}: ${messageOf(error)}`);
    return { code: codeOfFailedStart(error) };
  }
  signals.forwardTo(started.child);
  const recordEnd = recordCommand(started.child.pid, title);
  // Also without a creation: a reaper ends the command if this process is killed. An error is that of each creation.
  void Promise.allSettled([run.ready()]);
  const status = await started.ended;
  recordEnd();
  return status;
}
