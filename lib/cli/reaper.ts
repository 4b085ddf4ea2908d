import { print } from '../core/print';
import { type Command, Option } from 'commander';
import { messageOf } from '../core/errors';
import { reaperVariables } from '../reaper/daemon/settings';
import { exitCodeOf } from './exit-code';

/** The options of `castoff reaper run`: each stands for a variable of the reaper's environment, and goes before it. */
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
The token itself comes from CASTOFF_REAPER_TOKEN, or from a file: what stands on a command line, everybody can read.
SIGTERM and SIGINT: nobody new is served; it ends when the clients that are there have gone, and all they claimed is reaped.
SIGHUP: writes what stands in it to the log.

Exit codes:
  0  asked to end, and everything that was claimed is gone
  1  something failed, or could not be removed
  2  bad usage, or a setting that cannot be used`;

/** Adds `run` to the command: the reaper in the foreground, until it is told to end. Also what the command alone does. */
export function addReaperRun(reaper: Command): void {
  const run = reaper
    .command('run', { isDefault: true })
    .description(
      'run it in the foreground, for many sessions, with health, figures and a list of sessions over HTTP',
    )
    .addHelpText('after', exitCodes);
  for (const { flags, setting } of options) {
    const { variable, byDefault, doc } = reaperVariables[setting];
    const isFlag = !flags.includes('<');
    const value = byDefault === '' || isFlag ? '' : `; default: ${byDefault}`;
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
  const code = await runProgram(['standing'], environment).catch((error: unknown) => {
    print(messageOf(error), 'castoff reaper');
    return exitCodeOf(error);
  });
  // Ways in that are open after an error would hold it.
  process.exit(code);
}
