import { safeForLog } from '../core/safe-text';
import { quoteShellArgument } from '../core/shell-quote';
import { shortId } from '../core/short-id';
import type { PublishedPort } from '../engine/container-ports';
import { removalOrder, resourceKinds } from '../core/kinds';
import { describeCreator } from '../verdict/describe-record';
import { commandScope } from '../registry/scope-names';
import type { ResourceRecord } from '../verdict/verdict';
import { retentionMs } from './kept-keys';

interface KeptResource extends ResourceRecord {
  readonly ports: readonly PublishedPort[];
}

/** The session of kept resources, and whether its reaper removes them when the retention expires. */
interface KeptBy {
  readonly session: string;
  readonly isRetained: boolean;
}

/**
 * Resolves to a message that lists the kept resources of a run, with the commands to inspect and remove them;
 * to `''` when `records` has none. Never rejects: ports that the engine does not report are omitted.
 */
export async function describeKept(by: KeptBy, records: readonly ResourceRecord[]): Promise<string> {
  const kept = records.filter(({ state }) => state === 'kept');
  if (kept.length === 0) return '';
  const withPorts = kept.map(async (record) => ({ ...record, ports: await portsOf(record) }));
  return formatKept(by, await Promise.all(withPorts));
}

/** Formats the message of {@link describeKept}. */
export function formatKept({ session, isRetained }: KeptBy, kept: readonly KeptResource[]): string {
  const what = kept.some(({ owner }) => owner.scope === commandScope) ? 'the failed command' : 'failed tests';
  return [
    `castoff: kept for ${what},${isRetained ? ` for ${retentionMs / 3_600_000} h or` : ''} until a later run or 'npx castoff sweep' removes them (session ${session}):`,
    ...kept.flatMap((resource) => linesOf(resource)),
    '  to remove them now:',
    ...removalsOf(kept).map((command) => `    ${command}`),
  ]
    .map((line) => `${safeForLog(line)}\n`)
    .join('');
}

function linesOf(resource: KeptResource): readonly string[] {
  const { kind, id, owner, ports } = resource;
  const name = nameOf(resource);
  const short = id === undefined || shortId(id) === name || id === name ? '' : ` (${shortId(id)})`;
  const where = owner.source === undefined ? '' : `, ${owner.source}`;
  const title = `  ${resourceKinds[kind].noun} ${name}${short}: ${describeCreator(resource)}${where}`;
  if (kind === 'compose-project') return [title, `    docker compose -p ${quoteShellArgument(name)} logs`];
  if (kind !== 'container') return [title];
  return [
    title,
    ...ports.map(({ port, hostPort }) => `    ${port} at localhost:${hostPort}`),
    `    docker logs ${quoteShellArgument(name)}`,
    `    docker exec -it ${quoteShellArgument(name)} sh`,
  ];
}

/** Returns shell commands in an order in which the engine accepts them. */
function removalsOf(records: readonly ResourceRecord[]): readonly string[] {
  return removalOrder.flatMap((kind) => {
    const names = records.filter((record) => record.kind === kind).map(nameOf);
    return names.length === 0 ? [] : resourceKinds[kind].removeCommands(names.map(quoteShellArgument));
  });
}

/** Returns the name that docker commands accept. */
function nameOf({ kind, id = '', name }: ResourceRecord): string {
  if (kind === 'volume') return id;
  return name === undefined || name === '' ? shortId(id) : name;
}

async function portsOf({ kind, id }: ResourceRecord): Promise<readonly PublishedPort[]> {
  if (kind !== 'container' || id === undefined) return [];
  // Loaded on first use: most runs keep nothing.
  const { connectEngine } = await import('../engine/connect.ts');
  const { inspectPorts } = await import('../engine/container-ports.ts');
  try {
    const answer = await inspectPorts(await connectEngine(), id);
    return answer.meaning === 'done' ? answer.value : [];
  } catch {
    // ENGINE_UNREACHABLE: the message omits the ports.
    return [];
  }
}
