import type { Command } from 'commander';
import { addDoctor } from './doctor';
import { addList } from './ls';
import { addReaper } from './reaper';
import { addReport } from './report';
import { addSweep } from './sweep';
import { addHelp } from './unknown-command';

/** Adds all commands but `run`, and the help on them. */
export function addOtherCommands(program: Command): void {
  addList(program);
  addSweep(program);
  addDoctor(program);
  addReport(program);
  addReaper(program);
  addHelp(program);
}
