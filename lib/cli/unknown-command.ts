import { Command } from 'commander';

/**
 * Prints that `parent` has no command `name`, with the most similar one, and exits with 2. For commands that are
 * not looked up by commander itself: arguments of `help`, and of a default command.
 */
export function rejectUnknownCommand(parent: Command, name: string): never {
  const lookup = new Command(parent.name()).copyInheritedSettings(parent).helpCommand(false);
  for (const command of parent.commands) lookup.command(command.name());
  lookup.parse([name], { from: 'user' });
  throw new Error(`${name} is a command of ${parent.name()}`);
}

/** Replaces commander's `help`, which prints the same for each unknown name, without a reason. */
export function addHelp(parent: Command): void {
  parent
    .helpCommand(false)
    .command('help [command...]')
    .description('display help for a command')
    .action((names: readonly string[]) => {
      let at = parent;
      for (const name of names) {
        const next = at.commands.find((command) => command.name() === name);
        if (next === undefined) rejectUnknownCommand(at, name);
        at = next;
      }
      at.help();
    });
}
