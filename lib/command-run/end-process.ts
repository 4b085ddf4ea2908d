import { print } from '../core/print';
import { killTree } from '../processes/process-tree';
import { describeFate } from '../run/run-signals';
import { currentRun } from '../session/current-run';
import { codeOfSignal, endOfProcess, type CommandStatus } from './command-status';

/** Ends this process like a command that ended with that status. */
export function endProcess(status: CommandStatus): never {
  const end = endOfProcess(status);
  if ('code' in end) return process.exit(end.code);
  process.kill(process.pid, end.signal);
  // Here only if the signal does not end this process.
  return process.exit(codeOfSignal(end.signal));
}

/**
 * Ends a command and this process at once, by the same signal, and prints what happens to the run's resources.
 *
 * @param child - The pid of the command, if it runs.
 */
export function endAtOnce(signal: NodeJS.Signals, child: number | undefined): never {
  if (child !== undefined) killTree(child);
  const fate = describeFate(currentRun() ?? { isHeld: false });
  print(`${signal}: exiting at once; the run's resources ${fate}`);
  return endProcess({ signal });
}
