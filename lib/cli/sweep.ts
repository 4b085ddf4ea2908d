import { formatDuration } from '../core/durations';
import { CastoffError, messageOf } from '../core/errors';
import { safeJson } from '../core/safe-text';
import { formatTable, type Cell } from '../core/text-table';
import { parseGoDuration } from '../core/go-duration';
import { sweep } from '../sweep/sweep';
import type { SweepAction, SweepReport, SweptResource } from '../sweep/sweep-report';

/** Options of `castoff sweep`, as commander parses them. */
export interface SweepFlags {
  readonly dryRun?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly olderThan?: string | undefined;
  readonly foreign?: boolean | undefined;
  readonly otherHosts?: boolean | undefined;
  readonly timeout?: string | undefined;
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
  const report = await sweep({
    dryRun: flags.dryRun,
    foreign: flags.foreign,
    otherHosts: flags.otherHosts,
    olderThanMs: parseDuration('--older-than', flags.olderThan),
    timeoutMs: parseDuration('--timeout', flags.timeout),
    onProgress: showProgress,
  });
  clearProgress();
  const text = flags.json === true ? asJson(report) : formatReport(report);
  return { text, exitCode: report.totals.failed === 0 ? 0 : 1 };
}

function parseDuration(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseGoDuration(text);
  if (ms !== undefined && ms >= 0) return ms;
  throw new CastoffError(
    'CONFIG_INVALID',
    `${flag}: got ${JSON.stringify(text)}; give a duration such as 2h, 30m or 90s`,
  );
}

/** On a terminal only, and on stderr: standard output may be redirected to a file. */
function showProgress({ done, of }: { readonly done: number; readonly of: number }): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${of}`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[K');
}

function asJson(report: SweepReport): string {
  const things = report.things.map(({ error, ...resource }) => ({
    ...resource,
    error: error === undefined ? undefined : messageOf(error),
  }));
  return `${safeJson({ ...report, things })}\n`;
}

function formatReport({ engine, things, totals, durationMs }: SweepReport): string {
  const table = formatTable(
    ['ACTION', 'KIND', 'NAME', 'SESSION', 'OWNER', 'AGE', 'PROOF'],
    things.map((resource) => rowOf(resource)),
  );
  const counts = [
    totals.wouldRemove > 0 ? `${totals.wouldRemove} would be removed` : `${totals.removed} removed`,
    `${totals.kept} kept`,
    `${totals.failed} failed`,
  ];
  return `${table}${counts.join(', ')} on ${engine} in ${formatDuration(durationMs)}\n`;
}

function rowOf(resource: SweptResource): readonly Cell[] {
  const { action, kind, name, id, session, owner, ageMs, proof, error } = resource;
  return [
    { text: action, colour: colours[action] },
    kind,
    name === '' ? id.replace('sha256:', '').slice(0, 12) : name,
    session,
    owner ?? '',
    ageMs === undefined ? '' : formatDuration(Math.max(0, ageMs)),
    error === undefined ? proof : `${proof}; ${messageOf(error)}`,
  ];
}

const colours = {
  removed: 'green',
  'would-remove': 'yellow',
  kept: 'dim',
  failed: 'red',
} as const satisfies Record<SweepAction, string>;
