import { type Command, Option } from 'commander';
import { messageOf } from '../core/errors';
import { print } from '../core/print';
import type { Variable } from '../core/variable';
import { reaperVariables } from '../reaper/daemon/settings';
import { withShortEngineFlags } from './engine-flags';
import { exitCodeOf } from './exit-code';
import { rejectUnknownCommand } from './unknown-command';

/** Options of `castoff reaper run`: each one overrides a variable of the reaper's environment. */
const options = [
  { flags: '--port <port>', setting: 'port' },
  { flags: '--host <address>', setting: 'host' },
  { flags: '--socket <path>', setting: 'socketPath' },
  { flags: '--token-file <path>', setting: 'tokenFile' },
  { flags: '--http-port <port>', setting: 'httpPort' },
  { flags: '--http-host <address>', setting: 'httpHost' },
  { flags: '--claimable-keys <keys>', setting: 'claimableKeys' },
  { flags: '--sweep-every <duration>', setting: 'sweepEveryMs' },
  { flags: '--max-lease-age <duration>', setting: 'maxLeaseAgeMs' },
  { flags: '--dry-run', setting: 'isDryRun' },
] as const satisfies readonly { flags: string; setting: keyof typeof reaperVariables }[];

/** The name of an option on the command line: `--http-port`. */
const nameOf = (flags: string): string => flags.split(' ')[0] ?? flags;

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
  const run = withShortEngineFlags(reaper.command('run', { isDefault: true }))
    .description(
      'run the reaper in the foreground for many sessions, with health, metrics and a session list over HTTP',
    )
    .addHelpText('after', `${settingsWithoutFlag()}${exitCodes}`)
    // A mistyped command of `reaper` is an argument of its default command.
    .allowExcessArguments();
  for (const { flags, setting } of options) {
    const row: Variable<unknown> = reaperVariables[setting];
    run.addOption(new Option(flags, `${docOf(row, !flags.includes('<'))} (${row.variable})`));
  }
  run.action(async (_, command: Command) => {
    const [extra] = command.args;
    if (extra !== undefined) rejectUnknownCommand(reaper, extra);
    await runReaper(command);
  });
}

function docOf({ byDefault, doc }: Variable<unknown>, isFlag = false): string {
  return byDefault === undefined || byDefault === '' || isFlag ? doc : `${doc}; default: ${byDefault}`;
}

function settingsWithoutFlag(): string {
  const withFlag = new Set<string>(options.map(({ setting }) => setting));
  const rows: readonly (readonly [string, Variable<unknown>])[] = Object.entries(reaperVariables);
  const lines = rows
    .filter(([setting]) => !withFlag.has(setting))
    .map(([, row]) => `  ${row.variable}\n      ${docOf(row)}`);
  return `\nSettings without a flag, as environment variables:\n${lines.join('\n')}\n`;
}

async function runReaper(command: Command): Promise<void> {
  // Loaded late: other commands need neither.
  const [{ runProgram }, { sweep }] = await Promise.all([
    import('../reaper/daemon/program.ts'),
    import('../sweep/sweep.ts'),
  ]);
  const environment: Record<string, string | undefined> = { ...process.env };
  const flagOf = new Map<string, string>();
  for (const { flags, setting } of options) {
    const value = command.getOptionValue(new Option(flags).attributeName()) as string | true | undefined;
    if (value === undefined) continue;
    const { variable } = reaperVariables[setting];
    environment[variable] = `${value}`;
    flagOf.set(variable, nameOf(flags));
  }
  const code = await runProgram(['daemon'], environment, {
    nameOf: (variable) => flagOf.get(variable) ?? variable,
    sweep,
  }).catch((error: unknown) => {
    print(messageOf(error), 'castoff reaper');
    return exitCodeOf(error);
  });
  // Listeners that are still open after an error would keep the process alive.
  process.exit(code);
}
