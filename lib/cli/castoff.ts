#!/usr/bin/env node
import { Command } from 'commander';
import { packageVersion } from '../core/package-version';
import { safeLinesForLog } from '../core/safe-text';
import { addDoctor } from './doctor';
import { useEngineFlags, withEngineFlags } from './engine-flags';
import { exitCodeOf } from './exit-code';
import { addList } from './ls';
import { addReaper } from './reaper';
import { addReport } from './report';
import { addSweep } from './sweep';
import { addHelp } from './unknown-command';
import { watchOutput } from './watch-output';

watchOutput();
const program = withEngineFlags(new Command('castoff'))
  .description('Docker lifecycle for tests: everything removed, and verified gone.')
  .version(packageVersion, '-v, --version', 'print the version')
  // Each command has its own --host: `reaper run` listens there.
  .enablePositionalOptions();
// Set before the commands, which inherit it.
program.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
program.hook('preAction', (_, command) => useEngineFlags(program, command));
addList(program);
addSweep(program);
addDoctor(program);
addReport(program);
addReaper(program);
addHelp(program);
program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${safeLinesForLog(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = exitCodeOf(error);
});
