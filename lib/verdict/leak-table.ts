import { commandScope } from '../registry/scope-names';
import { describeRemoval, formatLifetime, displayName, describeCreator } from './describe-record';
import { formatFittedTable, type FittedColumn, type RenderOptions } from './fitted-table';
import type { ResourceRecord } from './verdict';

const columns: readonly FittedColumn<ResourceRecord>[] = [
  { title: 'RESOURCE', least: 12, text: displayName },
  { title: 'IMAGE', least: 7, text: ({ image }) => image ?? '' },
  { title: 'TEST', least: 12, text: describeTest },
  // Never shortened: terminals and editors open it at a click.
  { title: 'LINE', least: Infinity, text: ({ owner }) => owner.source ?? '' },
  { title: 'LIVED', least: 7, text: formatLifetime },
  { title: 'REMOVED', least: 10, text: describeRemoval },
];

/** A command has created all of its run's resources. */
function describeTest(record: ResourceRecord): string {
  return record.owner.scope === commandScope ? '' : describeCreator(record);
}

/** Formats a table with one row per resource. */
export function formatLeakTable(records: readonly ResourceRecord[], options: RenderOptions): string {
  return formatFittedTable(columns, records, options);
}
