import type { GroupEvents } from '../processes/process-group';
import { Command } from './command';
import { formatCommand } from '../core/shell-quote';
import type { CommandContext } from './command-options';
import { planCreation } from './plan-creation';
import { recordProcesses } from './record-processes';
import type { ScopeContext } from './scope-context';
import type { ScopeItems } from './scope-items';

/** Runs a command and adds it to `items`, above what it creates on an engine, which is removed after it. */
export function runInScope(
  items: ScopeItems,
  command: Omit<CommandContext, 'creation' | 'record' | 'scopeSignal' | 'source'>,
  context: ScopeContext,
): Command {
  const { command: file, args, cwd } = command;
  const { source, signal: scopeSignal } = context;
  const env = (): Record<string, string | undefined> => ({ ...process.env, ...command.env });
  const creation = planCreation({ file, args: [file, ...args], cwd, env }, context);
  const text = formatCommand(file, args);
  const record = (pid: number): GroupEvents => recordProcesses(pid, text, context);
  const running = new Command({ ...command, scopeSignal, source, creation, record });
  if (creation !== undefined) {
    const what = `what ${running.what} created`;
    const target = () => creation.target(running.ending);
    items.add({ type: 'resource', resource: { what, source, target } });
  }
  items.add({ type: 'call', call: running });
  return running;
}
