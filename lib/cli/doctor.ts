import type { Command } from 'commander';
import { safeForLog, safeJson } from '../core/safe-text';
import { paint, type Colour } from '../core/text-table';
import type { DoctorCheck, CheckStatus } from '../doctor/doctor-check';
import { examine } from '../doctor/examine';
import { plural } from '../core/plural';
import { wrapWords } from '../verdict/fit-text';
import { withEngineFlags } from './engine-flags';
import { widthOf } from './output-width';
import { withProgress } from './progress';

const exitCodes = `
It changes nothing on the engine.

Exit codes:
  0  no check fails; there may be warnings
  1  a check fails
  2  bad usage`;

/** Adds `castoff doctor`. */
export function addDoctor(program: Command): void {
  withEngineFlags(program.command('doctor'))
    .description('check engine, reaper, versions and environment, with what to do about each problem')
    .option('--json', 'print JSON')
    .addHelpText('after', exitCodes)
    .action(async ({ json }: { json?: true }) => {
      const checks = await withProgress('examining', () => examine(process.cwd()));
      const hasFailure = checks.some(({ status }) => status === 'fail');
      process.stdout.write(
        json === true
          ? `${safeJson({ ok: !hasFailure, checks })}\n`
          : formatChecks(checks, widthOf(process.stdout)),
      );
      process.exitCode = hasFailure ? 1 : 0;
    });
}

const colours: Readonly<Record<CheckStatus, Colour>> = { ok: 'green', warn: 'yellow', fail: 'red' };
const statusWidth = 4;
/** On a narrower terminal, the text goes below the name. */
const minTextWidth = 30;

/** Formats checks as lines, wrapped at `columns`; `undefined` wraps nothing. Ends with a summary. */
export function formatChecks(checks: readonly DoctorCheck[], columns: number | undefined): string {
  const nameWidth = Math.max(0, ...checks.map(({ name }) => name.length));
  const indent = statusWidth + 2 + nameWidth + 2;
  const isNarrow = columns !== undefined && columns - indent < minTextWidth;
  const width = columns === undefined ? Number.POSITIVE_INFINITY : columns - (isNarrow ? 4 : indent);
  const lines = checks.flatMap(({ name, status, text, advice }) => {
    const title = `${paint({ text: status.padEnd(statusWidth), colour: colours[status] })}  `;
    const [first = '', ...rest] = [
      ...wrapWords(safeForLog(text), width),
      ...(advice === undefined ? [] : wrapWords(`→ ${safeForLog(advice)}`, width)),
    ];
    return isNarrow
      ? [`${title}${name}`, ...[first, ...rest].map((line) => `    ${line}`)]
      : [
          `${title}${name.padEnd(nameWidth)}  ${first}`,
          ...rest.map((line) => `${' '.repeat(indent)}${line}`),
        ];
  });
  return [...lines, '', summaryOf(checks), ''].join('\n');
}

function summaryOf(checks: readonly DoctorCheck[]): string {
  const count = (status: CheckStatus): number => checks.filter((check) => check.status === status).length;
  const parts = [
    ...(count('fail') > 0 ? [plural(count('fail'), 'failure')] : []),
    ...(count('warn') > 0 ? [plural(count('warn'), 'warning')] : []),
  ];
  return parts.length === 0 ? 'no problems found' : parts.join(', ');
}
