import type { RunSettings } from '../session/run-client';
import { closeCommandRun } from './close-command-run';
import type { CommandRunOptions } from './command-settings';
import { statusAfter, type CommandStatus } from './command-status';
import type { CommandRun } from './open-command-run';
import { reportCommand } from './report-command';

interface FinishedCommand {
  /** The command line. */
  readonly command: string;
  readonly status: CommandStatus;
  readonly settings: RunSettings;
  readonly options: CommandRunOptions;
}

/**
 * Ends the run of a command that has ended, and reports it. Resolves to how this process is to end: like the command,
 * or with 1 where the command succeeded and its run failed.
 */
export async function finishCommand(
  commandRun: CommandRun,
  { command, status, settings, options }: FinishedCommand,
): Promise<CommandStatus> {
  const end = await closeCommandRun(commandRun, status, {
    settings,
    removesImages: options.images === 'remove',
  });
  const isReported = await reportCommand({ ...end, command, status, commandRun, reportFile: options.report });
  return statusAfter(status, end.verdict.isFailure || !isReported);
}
