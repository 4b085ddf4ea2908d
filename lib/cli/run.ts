import { type Command, Option } from 'commander';
import type { CommandRunOptions } from '../command-run/command-settings';
import { exitCodes } from '../command-run/command-status';
import { messageLines } from '../core/errors';
import { safeLinesForLog } from '../core/safe-text';
import { withEngineFlags } from './engine-flags';

const help = `
The containers, networks, volumes and Compose projects that the command creates through Docker's API are removed
when it has ended, and verified gone. The result goes to standard error.

Exit codes:
  the command's own; 128 and the number of the signal that ended it
  1    the command succeeded, and leaked with --leaks fail, or something could not be removed
  125  castoff failed: no engine, or a bad option
  126  the command cannot be executed
  127  the command does not exist

Examples:
  castoff run -- make test
  castoff run -- sh -c 'docker compose up -d && npm run e2e'`;

/** Adds the command `run`. */
export function addRun(program: Command): void {
  withEngineFlags(program.command('run'))
    .description('run a command, and remove what it creates on the engine')
    .argument('<command...>', 'the command and its arguments')
    .passThroughOptions()
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : exitCodes.failed))
    .addOption(
      new Option(
        '--leaks <effect>',
        'what is left when the command ends: fail, warn or off (default: warn; CASTOFF_LEAKS)',
      ).choices(['fail', 'warn', 'off']),
    )
    .option('--keep-failed', 'keep what a failed command leaves, for an hour')
    .option('--report <file>', 'write a report as JSON')
    .addOption(
      new Option('--images <effect>', 'images that the command builds: keep or remove')
        .choices(['keep', 'remove'])
        .default('keep'),
    )
    .option('--guard', 'refuse to stop, kill or remove what the command did not create')
    .option(
      '--disable-ryuk',
      "set TESTCONTAINERS_RYUK_DISABLED, so that castoff replaces Testcontainers' own reaper",
    )
    .addHelpText('after', help)
    .action(async (command: readonly string[], options: CommandRunOptions) => {
      const { runCommand } = await import('../command-run/run-command.ts');
      try {
        const status = await runCommand(command, options);
        const { endProcess } = await import('../command-run/end-process.ts');
        endProcess(status);
      } catch (error) {
        process.stderr.write(`${safeLinesForLog(messageLines(error).join('\n'))}\n`);
        process.exit(exitCodes.failed);
      }
    });
}
