import { Command } from 'commander';
import { packageVersion } from '../core/package-version';
import { safeLinesForLog } from '../core/safe-text';
import { useEngineFlags, withEngineFlags } from './engine-flags';
import { exitCodes } from '../command-run/command-status';
import { exitCodeOf } from './exit-code';
import type { addOtherCommands } from './other-commands';
import { addRun } from './run';
import { watchOutput } from './watch-output';

/** Runs the command that the arguments of this process name, and sets the exit code. */
export function runCommandLine(): void {
  // `castoff run` leaves standard output to its command.
  const isRunFirst = process.argv[2] === 'run';
  if (!isRunFirst) watchOutput();
  const program = withEngineFlags(new Command('castoff'))
    .description('Docker lifecycle for tests: everything removed, and verified gone.')
    .version(packageVersion, '-v, --version', 'print the version')
    // Each command has its own --host: `reaper run` listens there.
    .enablePositionalOptions();
  // Set before the commands, which inherit it.
  program.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  let isRun = false;
  program.hook('preAction', (_, command) => {
    isRun = command.name() === 'run' && command.parent === program;
    useEngineFlags(program, command);
  });
  addRun(program);
  if (!isRunFirst) {
    // Loaded late: the command of `castoff run` would wait for all that they need.
    const late = require('./other-commands') as { readonly addOtherCommands: typeof addOtherCommands };
    late.addOtherCommands(program);
  }
  program.parseAsync().catch((error: unknown) => {
    process.stderr.write(`${safeLinesForLog(error instanceof Error ? error.message : String(error))}\n`);
    process.exitCode = isRun ? exitCodes.failed : exitCodeOf(error);
  });
}
