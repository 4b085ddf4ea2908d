#!/usr/bin/env node
import { Command } from 'commander';
import { listOwned } from './ls';

const program = new Command('castoff').description('Docker lifecycle for tests: gone, and seen to be gone.');
program
  .command('ls')
  .description('list what carries a castoff label on the engine, and whether its owner lives')
  .option('--json', 'as JSON')
  .action(async (options: { json?: true }) => {
    process.stdout.write(await listOwned({ isJson: options.json === true }));
  });
program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
