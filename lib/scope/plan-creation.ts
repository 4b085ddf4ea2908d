import { isForAnotherEngine, meaningOfCommand, type CommandMeaning } from '../commands/docker-command';
import { argsForLaunch, type CommandLine, type Launch } from '../commands/launch';
import type { CommandCreation } from './command-creation';
import { LabelledCreation } from './labelled-creation';
import { ProjectCreation } from './project-creation';
import type { ScopeContext } from './scope-context';

/**
 * Returns what a command is going to create on the engine of this process; `undefined` when castoff does not
 * recognise a docker command in it that creates anything.
 */
export function planCreation(
  launch: Launch,
  context: ScopeContext,
  source: string | undefined,
): CommandCreation | undefined {
  const { line, meaning } = readLaunch(launch);
  if (line === undefined || meaning === undefined || isForAnotherEngine(line.env)) return undefined;
  const command = { launch, line, source, context };
  switch (meaning.type) {
    case 'create':
      // The build cache, which others use, goes with an image.
      return meaning.kind === 'image' ? undefined : new LabelledCreation(command, meaning);
    case 'up':
      return new ProjectCreation(command, { project: meaning.project });
    case 'up-unnamed':
      return new ProjectCreation(command, meaning.at);
    case 'down':
    case 'down-unnamed':
    case 'remove':
      return undefined;
  }
}

function readLaunch(launch: Launch): { line?: CommandLine; meaning?: CommandMeaning | undefined } {
  const read: { line?: CommandLine; meaning?: CommandMeaning | undefined } = {};
  argsForLaunch(launch, (line) => {
    Object.assign(read, { line, meaning: meaningOfCommand(line) });
    return undefined;
  });
  return read;
}
