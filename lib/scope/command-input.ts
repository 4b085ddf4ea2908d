import { checkDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import type { CommandOptions } from './command-options';
import { readReadyOption } from './ready-condition';

const names: OptionNames<CommandOptions> = {
  cwd: true,
  env: true,
  timeoutMs: true,
  graceMs: true,
  ready: true,
  readyTimeoutMs: true,
};

/** @throws CastoffError `CONFIG_INVALID` for an invalid command, argument or option. */
export function checkCommand(command: unknown, args: unknown, options: CommandOptions): void {
  if (typeof command !== 'string' || command === '')
    refuse('the command', command, 'its name or path, and its arguments as an array');
  if (!Array.isArray(args)) refuse('the arguments', args, 'an array of strings');
  for (const arg of args as unknown[]) if (typeof arg !== 'string') refuse('an argument', arg, 'a string');
  checkOptionNames('scope.run', options, names);
  const { timeoutMs, graceMs, ready, readyTimeoutMs } = options;
  if (timeoutMs !== undefined) checkDuration('timeoutMs', timeoutMs);
  if (graceMs !== undefined) checkDuration('graceMs', graceMs);
  if (readyTimeoutMs !== undefined) checkDuration('readyTimeoutMs', readyTimeoutMs);
  if (ready !== undefined) readReadyOption(ready);
  else if (readyTimeoutMs !== undefined)
    throw new CastoffError('CONFIG_INVALID', 'scope.run: readyTimeoutMs has no effect without ready');
}

function refuse(what: string, got: unknown, wanted: string): never {
  const shown = got === undefined ? 'undefined' : (JSON.stringify(got) ?? typeof got);
  throw new CastoffError('CONFIG_INVALID', `scope.run: got ${shown} as ${what}; give ${wanted}`);
}
