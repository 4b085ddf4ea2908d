import { formatDuration } from '../core/durations';
import { labelNames, ownerFromLabels } from '../core/labels';
import { connectEngine } from '../engine/connect';
import { stateOfOwner } from '../registry/owner';
import { listTargets, type ListedTarget } from '../engine/list-targets';

/** What `castoff ls` prints: everything on the engine that carries a castoff session's label, and whether its owner lives. */
export async function listOwned(options: { readonly isJson: boolean }): Promise<string> {
  const engine = await connectEngine();
  const rows = (await listTargets(engine, [labelNames.session])).map((target) =>
    describe(target, Date.now()),
  );
  if (options.isJson) return `${JSON.stringify(rows, undefined, 2)}\n`;
  if (rows.length === 0) return `nothing of castoff on ${engine.address}\n`;
  return formatTable(rows);
}

interface OwnedRow {
  readonly kind: string;
  readonly id: string;
  readonly name: string;
  readonly session: string;
  readonly owner: string;
  readonly source: string;
  readonly ageMs: number | undefined;
}

function describe({ kind, id, name, labels }: ListedTarget, nowMs: number): OwnedRow {
  const owner = ownerFromLabels(labels);
  const createdMs = Date.parse(labels[labelNames.created] ?? '');
  return {
    kind,
    id,
    name,
    session: labels[labelNames.session] ?? '',
    owner: owner === undefined ? 'unknown' : `${owner.host} pid ${owner.pid} (${stateOfOwner(owner)})`,
    source: labels[labelNames.source] ?? '',
    ageMs: Number.isNaN(createdMs) ? undefined : nowMs - createdMs,
  };
}

function formatTable(rows: readonly OwnedRow[]): string {
  const header = ['KIND', 'ID', 'NAME', 'SESSION', 'AGE', 'OWNER', 'SOURCE'];
  const cells = rows.map((row) => [
    row.kind,
    row.id.slice(0, 12),
    row.name,
    row.session,
    row.ageMs === undefined ? '' : formatDuration(row.ageMs),
    row.owner,
    row.source,
  ]);
  const widths = header.map((_, column) =>
    Math.max(...[header, ...cells].map((line) => line[column]?.length ?? 0)),
  );
  return [header, ...cells]
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}
