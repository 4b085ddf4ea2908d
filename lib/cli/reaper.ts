import { print } from '../core/print';
import { type Command, Option } from 'commander';
import { messageOf } from '../core/errors';
import type { Variable } from '../core/variable';
import { reaperVariables } from '../reaper/daemon/settings';
import { exitCodeOf } from './exit-code';

/** Options of `castoff reaper run`: each one overrides a variable of the reaper's environment. */
const options = [
  { flags: '--port <port>', setting: 'port' },
  { flags: '--host <address>', setting: 'host' },
  { flags: '--socket <path>', setting: 'socketPath' },
  { flags: '--token-file <path>', setting: 'tokenFile' },
  { flags: '--http-port <port>', setting: 'httpPort' },
  { flags: '--http-host <address>', setting: 'httpHost' },
  { flags: '--claimable-keys <keys>', setting: 'claimableKeys' },
  { flags: '--dry-run', setting: 'isDryRun' },
] as const satisfies readonly { flags: string; setting: keyof typeof reaperVariables }[];

const exitCodes = `
The token comes from CASTOFF_REAPER_TOKEN or from a file, because every user can read command lines.
SIGTERM, SIGINT: accepts no new clients; exits once the connected ones have left and their claims are reaped.
SIGHUP: logs its current state.

Exit codes:
  0  stopped by a signal, and everything claimed was removed
  1  something failed, or could not be removed
  2  bad usage, or an invalid setting`;

/** Adds the default command `run`: the reaper in the foreground, until a signal stops it. */
export function addReaperRun(reaper: Command): void {
  const run = reaper
    .command('run', { isDefault: true })
    .description(
      'run the reaper in the foreground for many sessions, with health, metrics and a session list over HTTP',
    )
    .addHelpText('after', exitCodes);
  for (const { flags, setting } of options) {
    const { variable, byDefault, doc }: Variable<unknown> = reaperVariables[setting];
    const isFlag = !flags.includes('<');
    const value = byDefault === undefined || isFlag ? '' : `; default: ${byDefault}`;
    run.addOption(new Option(flags, `${doc}${value} (${variable})`));
  }
  run.action(runReaper);
}

async function runReaper(_: unknown, command: Command): Promise<void> {
  const { runProgram } = await import('../reaper/daemon/program.ts');
  const environment: Record<string, string | undefined> = { ...process.env };
  for (const { flags, setting } of options) {
    const value = command.getOptionValue(new Option(flags).attributeName()) as string | true | undefined;
    if (value !== undefined) environment[reaperVariables[setting].variable] = `${value}`;
  }
  const code = await runProgram(['daemon'], environment).catch((error: unknown) => {
    print(messageOf(error), 'castoff reaper');
    return exitCodeOf(error);
  });
  // Listeners that are still open after an error would keep the process alive.
  process.exit(code);
}
