import { Option, type Command } from 'commander';
import { CastoffError } from '../core/errors';
import { setVariable } from '../core/environment';
import { parseEndpoint } from '../engine/parse-endpoint';

const hostFlags = '-H, --host <address>';
const contextFlags = '--context <name>';
const hostDoc = "the engine's address, as in DOCKER_HOST";
const contextDoc = 'the context of docker that has the address';

interface EngineFlags {
  readonly host?: string | undefined;
  readonly context?: string | undefined;
}

/** Adds `--host` and `--context` to a command; {@link useEngineFlags} applies them. */
export function withEngineFlags(command: Command): Command {
  return command.option(hostFlags, hostDoc).option(contextFlags, contextDoc);
}

/** Adds them to a command whose own `--host` is another address: there, only `-H` names the engine. */
export function withShortEngineFlags(command: Command): Command {
  return command.addOption(new Option('-H <address>', hostDoc)).option(contextFlags, contextDoc);
}

/**
 * Makes this process, and those that it starts, use the engine that `--host` or `--context` names, given before
 * or after the name of the command. The flags replace `DOCKER_HOST` and `DOCKER_CONTEXT`.
 *
 * @throws CastoffError `CONFIG_INVALID` when both are given, or the address is invalid.
 */
export function useEngineFlags(program: Command, command: Command): void {
  const ofProgram: EngineFlags = program.opts();
  const own: EngineFlags & { readonly H?: string | undefined } = command.opts();
  const isShort = command.options.some(({ short, long }) => short === '-H' && long == null);
  const host = (isShort ? own.H : own.host) ?? ofProgram.host;
  const context = own.context ?? ofProgram.context;
  if (host !== undefined && context !== undefined)
    throw new CastoffError('CONFIG_INVALID', '--host and --context: give one of the two');
  if (host !== undefined) {
    // An error names the flag, not the variable.
    parseEndpoint(host, '--host');
    setVariable('DOCKER_HOST', host);
  }
  if (context !== undefined) {
    setVariable('DOCKER_HOST', undefined);
    setVariable('DOCKER_CONTEXT', context);
  }
}
