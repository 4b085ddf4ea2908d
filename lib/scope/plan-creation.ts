import { meaningOfCommand } from '../commands/docker-command';
import { argsForLaunch, type CommandLine, type Launch } from '../commands/launch';
import type { CommandCreation } from './command-creation';
import { LabelledCreation } from './labelled-creation';
import { ProjectCreation } from './project-creation';
import type { ScopeContext } from './scope-context';

/** Returns what a command is going to create on its engine, if castoff recognises that. */
export function planCreation(launch: Launch, context: ScopeContext): CommandCreation | undefined {
  let creation: CommandCreation | undefined;
  argsForLaunch(launch, (line) => {
    creation = creationOf(launch, line, context);
    return undefined;
  });
  return creation;
}

function creationOf(launch: Launch, line: CommandLine, context: ScopeContext): CommandCreation | undefined {
  const meaning = meaningOfCommand(line);
  const command = { launch, line, context };
  switch (meaning?.type) {
    case 'create':
      // The build cache, which others use, goes with an image.
      return meaning.kind === 'image' ? undefined : new LabelledCreation(command, meaning);
    case 'up':
      return new ProjectCreation(command, { project: meaning.project });
    case 'up-unnamed':
      return new ProjectCreation(command, meaning.at);
    case 'tag':
    case 'down':
    case 'down-unnamed':
    case 'remove':
    case undefined:
      return undefined;
  }
}
