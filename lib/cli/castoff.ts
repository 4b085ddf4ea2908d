#!/usr/bin/env node
import { Command } from 'commander';
import { safeLinesForLog } from '../core/safe-text';
import { exitCodeOf, exitCodesHelp } from './exit-code';
import { describeSessions } from './ls';
import { addReaperRun } from './reaper';
import { makeReaperImage } from './reaper-image';
import { sweepAndReport, type SweepFlags } from './sweep';
import { watchOutput } from './watch-output';

watchOutput();
const program = new Command('castoff').description('Docker lifecycle for tests: gone, and seen to be gone.');
// Before the commands are made: they take it over.
program.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
program
  .command('ls')
  .description(
    'list the sessions that have something on the engine, what it is, and whether their owners live',
  )
  .option('--json', 'as JSON')
  .action(async (options: { json?: true }) => {
    process.stdout.write(await describeSessions({ isJson: options.json === true }));
  });
program
  .command('sweep')
  .description('remove what provably dead owners left, and print the proof')
  .option('--dry-run', 'remove nothing, and print what would go')
  .option('--json', 'as JSON')
  .option(
    '--older-than <duration>',
    'only what is older, such as 2h, 30m or 90s; a session goes by its youngest',
  )
  .option('--timeout <duration>', 'how long to go on; default: 60s')
  .option('--foreign', 'also what Testcontainers left and no castoff owner stands for; needs --older-than')
  .option('--other-hosts', 'also what owners left that cannot be seen from here; needs --older-than')
  .addHelpText('after', exitCodesHelp)
  .action(async (flags: SweepFlags) => {
    const { text, exitCode } = await sweepAndReport(flags);
    process.stdout.write(text);
    process.exitCode = exitCode;
  });
const reaper = program.command('reaper').description('what removes things when their owner is gone');
addReaperRun(reaper);
reaper
  .command('image')
  .description("make the reaper's image of this Node, without any registry; the last line is its name")
  .option('--base <image>', 'build on an image that has Node instead, such as node:24-alpine')
  .action(async (options: { base?: string }) => {
    const { notes, name } = await makeReaperImage(options);
    for (const note of notes) process.stderr.write(`${note}\n`);
    process.stdout.write(`${name}\n`);
  });
program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${safeLinesForLog(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = exitCodeOf(error);
});
