import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { print } from '../core/print';
import type { CommandStatus } from './command-status';

/** A command that runs. */
export interface StartedCommand {
  readonly child: ChildProcess & { readonly pid: number };
  /** Resolves when the process has exited; its descendants may run on. */
  readonly ended: Promise<CommandStatus>;
}

/**
 * Starts a command with this process's standard streams, in its process group: a terminal stays its terminal.
 *
 * @throws Error `ENOENT`, `EACCES` and others of `spawn`.
 */
export async function startCommand(
  [file = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<StartedCommand> {
  const child = spawn(file, args, { stdio: 'inherit', env: { ...env } });
  const ended = Promise.withResolvers<CommandStatus>();
  child.once('exit', (code, signal) => ended.resolve(signal === null ? { code: code ?? 0 } : { signal }));
  await once(child, 'spawn');
  // A signal that could not be sent: EPERM, to a command that runs as another user.
  child.on('error', (error) => print(`send a signal to ${file}: ${error.message}`));
  if (child.pid === undefined) throw new Error(`start ${file}: it has no pid`);
  return { child: child as StartedCommand['child'], ended: ended.promise };
}
