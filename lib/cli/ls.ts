import type { Command } from 'commander';
import { safeJson } from '../core/safe-text';
import { connectEngine } from '../engine/connect';
import { listProvenSessions } from '../sweep/list-proven-sessions';
import { withEngineFlags } from './engine-flags';
import { formatSessions } from './format-sessions';
import { widthOf } from './output-width';
import { withProgress } from './progress';
import { listKeys, parseFilters } from './resource-filter';
import { describeSession } from './session-rows';
import { compileTemplate } from './template';

/** Options of `castoff ls`, as commander parses them. */
export interface ListFlags {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly filter?: readonly string[] | undefined;
  readonly format?: string | undefined;
}

const filterHelp = `
Filters:
  ${listKeys.map((key) => `${key}=…`).join(', ')}; * is a wildcard
  one key several times: any of its patterns; several keys: all of them

Fields of a template, one line for each resource:
  {{session}} {{state}} {{proof}} {{kind}} {{id}} {{name}} {{age}} {{owner}} {{source}}`;

/** Adds `castoff ls`. */
export function addList(program: Command): void {
  withEngineFlags(program.command('ls'))
    .description('list sessions on the engine, whether their owners are alive, and what they own')
    .option('--json', 'print JSON; the same as --format json')
    .option('-q, --quiet', 'print the ids of the sessions alone')
    .option('--filter <pattern...>', 'only what matches, such as state=dead or name=web-*')
    .option('--format <format>', 'json, table, or a template such as "{{kind}} {{name}}"')
    .addHelpText('after', filterHelp)
    .action(async (flags: ListFlags) => {
      const columns = widthOf(process.stdout);
      process.stdout.write(await withProgress('listing sessions', () => describeSessions(flags, columns)));
    });
}

/**
 * Returns the output of `castoff ls`: every session with resources on the engine, whether its owners are
 * alive, and its resources.
 *
 * @param columns - The width to fit tables into. Default: as wide as they are.
 * @throws CastoffError `CONFIG_INVALID` for an invalid filter or template; `ENGINE_UNREACHABLE`.
 */
export async function describeSessions(flags: ListFlags, columns?: number): Promise<string> {
  const filter = parseFilters(flags, listKeys);
  const format = flags.json === true ? 'json' : (flags.format ?? 'table');
  const template = format === 'json' || format === 'table' ? undefined : compileTemplate(format);
  const engine = await connectEngine();
  const { nowMs, sessions } = await listProvenSessions(engine);
  const rows = sessions
    .map((found) =>
      describeSession(found, nowMs, (resource, labels) => {
        const { session, proven } = found;
        return filter?.({ ...resource, session, state: proven.state, labels }) ?? true;
      }),
    )
    .filter(({ things }) => things.length > 0);
  if (flags.quiet === true) return rows.map(({ session }) => `${session}\n`).join('');
  if (format === 'json') return `${safeJson(rows)}\n`;
  if (template !== undefined) return rows.map((row) => template(row)).join('');
  return formatSessions(rows, { engine: engine.address, isFiltered: filter !== undefined, columns });
}
