import type { Command } from 'commander';
import { addReaperDeploy } from './reaper-deploy';
import { addReaperImage } from './reaper-image';
import { addReaperRun } from './reaper-run';
import { addHelp } from './unknown-command';

/** Adds `castoff reaper` and its commands; without one of them, it is `castoff reaper run`. */
export function addReaper(program: Command): void {
  const reaper = program
    .command('reaper')
    .description('the service that removes resources when their owner dies');
  addReaperRun(reaper);
  addReaperImage(reaper);
  addReaperDeploy(reaper);
  addHelp(reaper);
}
