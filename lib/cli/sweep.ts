import type { Command } from 'commander';
import { formatDuration } from '../core/durations';
import { CastoffError, messageOf } from '../core/errors';
import { safeJson } from '../core/safe-text';
import { formatFittedTable, type FittedColumn } from '../verdict/fitted-table';
import { sweep } from '../sweep/sweep';
import type { SweepAction, SweepReport, SweptResource } from '../sweep/sweep-report';
import { withEngineFlags } from './engine-flags';
import { exitCodesHelp } from './exit-code';
import { parseFlagDuration } from './flag-duration';
import { widthOf } from './output-width';
import { withProgress } from './progress';
import { parseFilters, sweepKeys } from './resource-filter';

/** Options of `castoff sweep`, as commander parses them. */
export interface SweepFlags {
  readonly dryRun?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly olderThan?: string | undefined;
  readonly foreign?: boolean | undefined;
  readonly otherHosts?: boolean | undefined;
  readonly timeout?: string | undefined;
  readonly filter?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly session?: readonly string[] | undefined;
}

const filterHelp = `
Filters:
  ${sweepKeys.map((key) => `${key}=…`).join(', ')}; * is a wildcard
  one key several times: any of its patterns; several keys: all of them
`;

/** Adds `castoff sweep`. */
export function addSweep(program: Command): void {
  withEngineFlags(program.command('sweep'))
    .description('remove what provably dead owners left, and print the proof')
    .option('--dry-run', 'print what would be removed, and remove nothing')
    .option('--json', 'print JSON')
    .option(
      '--older-than <duration>',
      'only sessions whose every resource is older, such as 2d, 2h, 30m or 90s',
    )
    .option('--timeout <duration>', 'time limit; default: 60s')
    .option('--session <id...>', 'only these sessions')
    .option('--filter <pattern...>', 'only what matches, such as kind=container or name=web-*')
    .option('--exclude <pattern...>', 'not what matches')
    .option('--foreign', 'also what Testcontainers left without a castoff owner; needs --older-than')
    .option('--other-hosts', 'also what owners left that cannot be checked from here; needs --older-than')
    .addHelpText('after', `${filterHelp}${exitCodesHelp}`)
    .action(async (flags: SweepFlags) => {
      const { text, exitCode } = await sweepAndReport(flags);
      process.stdout.write(text);
      process.exitCode = exitCode;
    });
}

/**
 * Runs a sweep. Resolves to the output of `castoff sweep` and its exit code: 0, or 1 when something could not
 * be removed.
 */
export async function sweepAndReport(
  flags: SweepFlags,
): Promise<{ readonly text: string; readonly exitCode: number }> {
  const flag = flags.foreign === true ? '--foreign' : flags.otherHosts === true ? '--other-hosts' : undefined;
  if (flag !== undefined && flags.olderThan === undefined) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `${flag}: their owners cannot be proven dead; give an age with --older-than, such as 2h`,
    );
  }
  const options = {
    dryRun: flags.dryRun,
    foreign: flags.foreign,
    otherHosts: flags.otherHosts,
    olderThanMs: parseFlagDuration('--older-than', flags.olderThan),
    timeoutMs: parseFlagDuration('--timeout', flags.timeout),
    filter: parseFilters(flags, sweepKeys),
  };
  const report = await withProgress('sweeping', (progress) =>
    sweep({ ...options, onProgress: ({ done, of }) => progress.update(`sweeping: ${done} of ${of}`) }),
  );
  const text = flags.json === true ? asJson(report) : formatReport(report);
  return { text, exitCode: report.totals.failed === 0 ? 0 : 1 };
}

function asJson(report: SweepReport): string {
  const things = report.things.map(({ error, ...resource }) => ({
    ...resource,
    error: error === undefined ? undefined : messageOf(error),
  }));
  return `${safeJson({ ...report, things })}\n`;
}

const colours = {
  removed: 'green',
  'would-remove': 'yellow',
  kept: 'dim',
  failed: 'red',
} as const satisfies Record<SweepAction, string>;

const table: readonly FittedColumn<SweptResource>[] = [
  { title: 'ACTION', least: 12, text: ({ action }) => action, colour: ({ action }) => colours[action] },
  { title: 'KIND', least: 9, text: ({ kind }) => kind },
  {
    title: 'NAME',
    least: 10,
    text: ({ name, id }) => (name === '' ? id.replace('sha256:', '').slice(0, 12) : name),
  },
  { title: 'SESSION', least: 12, text: ({ session }) => session, isOptional: true },
  { title: 'OWNER', least: 8, text: ({ owner }) => owner ?? '', isOptional: true },
  {
    title: 'AGE',
    least: 9,
    text: ({ ageMs }) => (ageMs === undefined ? '' : formatDuration(Math.max(0, ageMs))),
    isOptional: true,
  },
  {
    title: 'PROOF',
    least: 20,
    text: ({ proof, error }) => (error === undefined ? proof : `${proof}; ${messageOf(error)}`),
  },
];

function formatReport({ engine, things, totals, durationMs }: SweepReport): string {
  const rows = formatFittedTable(table, things, {
    columns: widthOf(process.stdout),
    maxRows: Number.POSITIVE_INFINITY,
    indent: '',
  });
  const counts = [
    totals.wouldRemove > 0 ? `${totals.wouldRemove} would be removed` : `${totals.removed} removed`,
    `${totals.kept} kept`,
    `${totals.failed} failed`,
  ];
  return `${rows}${counts.join(', ')} on ${engine} in ${formatDuration(durationMs)}\n`;
}
