import { safeForLog, quoteShellArgument } from '../core/safe-text';
import { shortId } from '../core/short-id';
import type { PublishedPort } from '../engine/container-ports';
import type { ResourceRecord } from '../verdict/verdict';
import { retentionMs } from './retention';

/** A container of `things`, with the ports that it can be reached at. */
export interface KeptResource {
  readonly thing: ResourceRecord;
  readonly ports: readonly PublishedPort[];
}

/**
 * How to reach what the run of `session` has kept, and how to remove it, for people; `''` where `things` has nothing that is kept.
 * Never rejects: what an engine does not tell is left out.
 */
export async function describeKept(session: string, things: readonly ResourceRecord[]): Promise<string> {
  const kept = things.filter(({ state }) => state === 'kept');
  if (kept.length === 0) return '';
  const withPorts = kept.map(async (thing) => ({ thing, ports: await portsOf(thing) }));
  return formatKept(session, await Promise.all(withPorts));
}

/** What {@link describeKept} says of things whose ports are known. */
export function formatKept(session: string, kept: readonly KeptResource[]): string {
  const lines = kept.flatMap(({ thing, ports }) => linesOf(thing, ports));
  return [
    `castoff: kept of the tests that failed, for ${retentionMs / 3_600_000} h, or until a later run or 'npx castoff sweep' removes it (session ${session}):`,
    ...lines,
    '  to remove it now:',
    ...removalsOf(kept.map(({ thing }) => thing)).map((command) => `    ${command}`),
  ]
    .map((line) => `${safeForLog(line)}\n`)
    .join('');
}

function linesOf(thing: ResourceRecord, ports: readonly PublishedPort[]): readonly string[] {
  const { kind, id, test, scope, source } = thing;
  const name = nameOf(thing);
  const short = id === undefined || shortId(id) === name || id === name ? '' : ` (${shortId(id)})`;
  const where = source === undefined ? '' : `, ${source}`;
  const title = `  ${kind === 'compose-project' ? 'Compose project' : kind} ${name}${short}: ${test ?? scope}${where}`;
  if (kind === 'compose-project') return [title, `    docker compose -p ${quoteShellArgument(name)} logs`];
  if (kind !== 'container') return [title];
  return [
    title,
    ...ports.map(({ port, hostPort }) => `    ${port} at localhost:${hostPort}`),
    `    docker logs ${quoteShellArgument(name)}`,
    `    docker exec -it ${quoteShellArgument(name)} sh`,
  ];
}

/** Commands for a shell, in the order in which the engine lets things go. */
function removalsOf(things: readonly ResourceRecord[]): readonly string[] {
  const namesOf = (wanted: ResourceRecord['kind']): readonly string[] =>
    things.filter(({ kind }) => kind === wanted).map((thing) => nameOf(thing));
  return [
    ...namesOf('compose-project').map((name) => `docker compose -p ${quoteShellArgument(name)} down -v`),
    ...removalOf('docker rm -f -v', namesOf('container')),
    ...removalOf('docker network rm', namesOf('network')),
    ...removalOf('docker volume rm', namesOf('volume')),
    ...removalOf('docker rmi', namesOf('image')),
  ];
}

function removalOf(command: string, names: readonly string[]): readonly string[] {
  return names.length === 0 ? [] : [`${command} ${names.map(quoteShellArgument).join(' ')}`];
}

/** What docker knows it by: a volume has no shorter name. */
function nameOf({ kind, id = '', name }: ResourceRecord): string {
  if (kind === 'volume') return id;
  return name === undefined || name === '' ? shortId(id) : name;
}

async function portsOf({ kind, id }: ResourceRecord): Promise<readonly PublishedPort[]> {
  if (kind !== 'container' || id === undefined) return [];
  // Loaded with its first use: most runs keep nothing.
  const { connectEngine } = await import('../engine/connect.ts');
  const { inspectPorts } = await import('../engine/container-ports.ts');
  try {
    const answer = await inspectPorts(await connectEngine(), id);
    return answer.meaning === 'done' ? answer.value : [];
  } catch {
    // ENGINE_UNREACHABLE: it has gone since; what else there is to say is said.
    return [];
  }
}
