import { messageOf } from '../core/errors';
import { print } from '../core/print';
import { formatCommand } from '../core/shell-quote';
import { handleSignals, type CommandSignals } from './command-signals';
import { settingsOf, type CommandRunOptions } from './command-settings';
import { codeOfFailedStart, type CommandStatus } from './command-status';
import type * as endProcess from './end-process';
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
  const commandRun = await openCommandRun({ file, title }, settings, options);
  const signals = handleSignals({
    announce: (signal) => print(`${signal}: removing the run's resources; send it again to exit at once`),
    endAtOnce(signal, child) {
      signals.stop();
      const late = require('./end-process') as typeof endProcess;
      late.endAtOnce(signal, child);
    },
  });
  try {
    const status = await runWithin(commandRun, command, title, signals);
    const { finishCommand } = await loadEnd();
    return await finishCommand(commandRun, { command: title, status, settings, options });
  } finally {
    signals.stop();
  }
}

// Loaded while the command runs: neither its start nor the end of castoff waits for it.
const loadEnd = () => import('./finish-command.ts');

async function takeLease(commandRun: CommandRun): Promise<void> {
  const run = await commandRun.run();
  await run.ready();
}

async function runWithin(
  commandRun: CommandRun,
  command: readonly string[],
  title: string,
  signals: CommandSignals,
): Promise<CommandStatus> {
  let started: StartedCommand;
  const starting = startCommand(command, commandRun.environment);
  // A closed stderr must not end castoff before the cleanup. Only now: opening the stream takes as long as connecting to
  // the engine.
  process.stderr.on('error', () => undefined);
  try {
    started = await starting;
  } catch (error) {
    print(`run ${title}: ${messageOf(error)}`);
    return { code: codeOfFailedStart(error) };
  }
  signals.forwardTo(started.child);
  const recordEnd = recordCommand(started.child.pid, title);
  // Also without a creation: a reaper ends the command if this process is killed. An error is that of each creation.
  void Promise.allSettled([takeLease(commandRun), loadEnd()]);
  const status = await started.ended;
  recordEnd();
  return status;
}
