import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Argument, type Command } from 'commander';
import { findPackageFolder } from '../lease/own-files';

const targets = {
  compose: 'for docker compose, on one machine',
  stack: 'for docker stack deploy, on every node of a swarm',
  kubernetes: 'for kubectl apply, on every node of a cluster',
} as const;

const help = `
Targets:
${Object.entries(targets)
  .map(([name, doc]) => `  ${name.padEnd(12)}${doc}`)
  .join('\n')}

The comment at the top of the file has the commands that use it.`;

/** Adds `castoff reaper deploy`. */
export function addReaperDeploy(reaper: Command): void {
  reaper
    .command('deploy')
    .description('print a file that runs the reaper as a service')
    .addArgument(new Argument('<target>', 'where it runs').choices(Object.keys(targets)))
    .addHelpText('after', help)
    .action((target: string) => {
      process.stdout.write(readFileSync(join(findPackageFolder(), 'docker', `${target}.yml`), 'utf8'));
    });
}
