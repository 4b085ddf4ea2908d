import { formatDuration } from '../core/durations';
import { shortId } from '../core/short-id';
import type { PublishedPort } from '../engine/container-ports';
import type { ThingRecord } from '../leaks/verdict';
import { keepMs } from './keep-time';

/** A container of `things`, with the ports that it can be reached at. */
export interface KeptThing {
  readonly thing: ThingRecord;
  readonly ports: readonly PublishedPort[];
}

/**
 * How to reach what the run of `session` has kept, and how to remove it, for people; `''` where `things` has nothing that is kept.
 * Never rejects: what an engine does not tell is left out.
 */
export async function describeKept(session: string, things: readonly ThingRecord[]): Promise<string> {
  const kept = things.filter(({ state }) => state === 'kept');
  if (kept.length === 0) return '';
  const withPorts = kept.map(async (thing) => ({ thing, ports: await portsOf(thing) }));
  return formatKept(session, await Promise.all(withPorts));
}

/** What {@link describeKept} says of things whose ports are known. */
export function formatKept(session: string, kept: readonly KeptThing[]): string {
  const lines = kept.flatMap(({ thing, ports }) => linesOf(thing, ports));
  const containers = kept.filter(({ thing }) => thing.kind === 'container').map(({ thing }) => nameOf(thing));
  const byHand = containers.length === 0 ? [] : [`docker rm -f -v ${containers.join(' ')}`];
  return [
    `castoff: kept of the tests that failed, for ${formatDuration(keepMs)} or until the next sweep (session ${session}):`,
    ...lines,
    `  remove it: ${[...byHand, 'npx castoff sweep'].join('   or   ')}`,
    '',
  ].join('\n');
}

function linesOf(thing: ThingRecord, ports: readonly PublishedPort[]): readonly string[] {
  const { kind, id, test, scope, source } = thing;
  const name = nameOf(thing);
  const short = id === undefined || shortId(id) === name ? '' : ` (${shortId(id)})`;
  const where = source === undefined ? '' : `, ${source}`;
  const title = `  ${kind} ${name}${short}: ${test ?? scope}${where}`;
  if (kind !== 'container') return [title];
  const reached = ports.map(({ port, hostPort }) => `${port} at localhost:${hostPort}`).join(', ');
  return [
    title,
    `    docker exec -it ${name} sh   docker logs ${name}`,
    ...(reached === '' ? [] : [`    ${reached}`]),
  ];
}

function nameOf({ id = '', name }: ThingRecord): string {
  return name === undefined || name === '' ? shortId(id) : name;
}

async function portsOf({ kind, id }: ThingRecord): Promise<readonly PublishedPort[]> {
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
