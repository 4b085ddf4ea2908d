import type { Command } from 'commander';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CastoffError, messageOf } from '../core/errors';
import { safeJson } from '../core/safe-text';
import { compareSnapshots, type ComparedItems, type SnapshotChange } from '../diagnosis/compare-snapshots';
import { formatFittedTable, type FittedColumn } from '../verdict/fitted-table';
import { exitCodesHelp } from './exit-code';
import { widthOf } from './output-width';
import { parseSnapshot, type ProcessSnapshot } from '../diagnosis/process-snapshot';

/** Options of `castoff report`, as commander parses them. */
export interface ReportFlags {
  readonly diff?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
}

/** Adds `castoff report`. */
export function addReport(program: Command): void {
  program
    .command('report')
    .description('compare snapshots, which processes write with CASTOFF_SNAPSHOT=<folder>')
    .requiredOption(
      '--diff <paths...>',
      'two snapshots, or two folders of them: new, gone, still there and unmoved',
    )
    .option('--json', 'print JSON')
    .addHelpText('after', exitCodesHelp)
    .action((flags: ReportFlags) => {
      process.stdout.write(describeDifference(flags));
    });
}

/**
 * Returns the output of `castoff report --diff A B`: what two snapshots, or all snapshots in two folders, have in
 * common and not.
 *
 * @throws CastoffError `CONFIG_INVALID` when a snapshot is missing, torn, or of another version.
 */
export function describeDifference({ diff = [], json = false }: ReportFlags): string {
  const [before, after, ...more] = diff;
  if (before === undefined || after === undefined || more.length > 0)
    throw new CastoffError('CONFIG_INVALID', '--diff: give two snapshots, or two folders of snapshots');
  const compared = compareSnapshots(readSnapshots(before), readSnapshots(after));
  return json ? `${safeJson(compared)}\n` : formatComparison(compared);
}

function readSnapshots(path: string): readonly ProcessSnapshot[] {
  const files = listFiles(path);
  if (files.length === 0)
    throw new CastoffError('CONFIG_INVALID', `read the snapshots in ${path}: it has no .json file`);
  return files.map((file) =>
    parseSnapshot(
      read(file, () => readFileSync(file, 'utf8')),
      file,
    ),
  );
}

function listFiles(path: string): readonly string[] {
  return read(path, () => {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => name.endsWith('.json'));
    return names.toSorted().map((name) => join(path, name));
  });
}

/** @throws CastoffError `CONFIG_INVALID` */
function read<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw new CastoffError('CONFIG_INVALID', `read the snapshot ${path}: ${messageOf(cause)}`, { cause });
  }
}

const colours = { new: 'red', moved: 'yellow', unmoved: 'yellow', gone: 'green' } as const;
const texts = { new: 'new', moved: 'moved', unmoved: 'still there', gone: 'gone' } as const;

const table: readonly FittedColumn<ComparedItems>[] = [
  {
    title: 'CHANGE',
    least: 11,
    text: ({ change }) => texts[change],
    colour: ({ change }) => colours[change],
  },
  { title: 'COUNT', least: 5, text: ({ count }) => String(count) },
  { title: 'WHAT', least: 12, text: ({ what }) => what },
  {
    title: 'STATE',
    least: 8,
    text: ({ change, before, after }) =>
      change === 'moved' ? `${before} → ${after}` : (after ?? before ?? ''),
    isOptional: true,
  },
  { title: 'SCOPE', least: 10, text: ({ scope }) => scope, isOptional: true },
  { title: 'SOURCE', least: 12, text: ({ source }) => source ?? '' },
];

function formatComparison(compared: readonly ComparedItems[]): string {
  const rows = formatFittedTable(table, compared, {
    columns: widthOf(process.stdout),
    maxRows: Number.POSITIVE_INFINITY,
    indent: '',
  });
  const countOf = (change: SnapshotChange): number =>
    compared.reduce((sum, item) => sum + (item.change === change ? item.count : 0), 0);
  return `${rows}${countOf('new')} new, ${countOf('gone')} gone, ${countOf('unmoved')} still there and unmoved, ${countOf('moved')} moved\n`;
}
