#!/usr/bin/env node
import { Command } from 'commander';
import { safeLinesForLog } from '../core/safe-text';
import { exitCodeOf, exitCodesHelp } from './exit-code';
import { describeSessions } from './ls';
import { addReaperRun } from './reaper';
import { makeReaperImage } from './reaper-image';
import { describeDifference, type ReportFlags } from './report';
import { sweepAndReport, type SweepFlags } from './sweep';
import { watchOutput } from './watch-output';

watchOutput();
const program = new Command('castoff').description(
  'Docker lifecycle for tests: everything removed, and verified gone.',
);
// Set before the commands, which inherit it.
program.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
program
  .command('ls')
  .description('list sessions on the engine, whether their owners are alive, and what they own')
  .option('--json', 'print JSON')
  .action(async (options: { json?: true }) => {
    process.stdout.write(await describeSessions({ isJson: options.json === true }));
  });
program
  .command('sweep')
  .description('remove what provably dead owners left, and print the proof')
  .option('--dry-run', 'print what would be removed, and remove nothing')
  .option('--json', 'print JSON')
  .option('--older-than <duration>', 'only sessions whose every resource is older, such as 2h, 30m or 90s')
  .option('--timeout <duration>', 'time limit; default: 60s')
  .option('--foreign', 'also what Testcontainers left without a castoff owner; needs --older-than')
  .option('--other-hosts', 'also what owners left that cannot be checked from here; needs --older-than')
  .addHelpText('after', exitCodesHelp)
  .action(async (flags: SweepFlags) => {
    const { text, exitCode } = await sweepAndReport(flags);
    process.stdout.write(text);
    process.exitCode = exitCode;
  });
program
  .command('report')
  .description('compare snapshots, which processes write with CASTOFF_SNAPSHOT=<folder>')
  .requiredOption(
    '--diff <paths...>',
    'two snapshots, or two folders of them: new, gone, still there and unmoved',
  )
  .option('--json', 'print JSON')
  .addHelpText('after', exitCodesHelp)
  .action((flags: ReportFlags) => {
    process.stdout.write(describeDifference(flags));
  });
const reaper = program
  .command('reaper')
  .description('the service that removes resources when their owner dies');
addReaperRun(reaper);
reaper
  .command('image')
  .description("build the reaper's image from this Node.js, without any registry; the last line is its name")
  .option('--base <image>', 'build on an image with Node.js instead, such as node:24-alpine')
  .action(async (options: { base?: string }) => {
    const { notes, name } = await makeReaperImage(options);
    for (const note of notes) process.stderr.write(`${note}\n`);
    process.stdout.write(`${name}\n`);
  });
program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${safeLinesForLog(error instanceof Error ? error.message : String(error))}\n`);
  process.exitCode = exitCodeOf(error);
});
