import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { docker } from './things';

/**
 * Watches a container from now on. The returned function resolves to the exit codes of its main process, in order,
 * once the container has been removed. (Afterwards, Docker 20.10 would report the last 256 events only, and those
 * of all spec files count.)
 */
export async function watchExitCodes(id: string): Promise<() => Promise<readonly string[]>> {
  const filters = { container: [id], event: ['die', 'destroy'] };
  // Docker answers a moment before it subscribes: with `since`, it also reports the events of that moment.
  const events = (await docker.getEvents({ since: 1, filters })) as Readable;
  const reading = readUntilRemoved(events);
  return () => reading;
}

interface ContainerEvent {
  readonly Action: string;
  readonly Actor: { readonly Attributes: { readonly exitCode?: string } };
}

async function readUntilRemoved(events: Readable): Promise<readonly string[]> {
  const codes: string[] = [];
  for await (const line of createInterface({ input: events })) {
    const { Action, Actor }: ContainerEvent = JSON.parse(line);
    if (Action === 'destroy') break;
    codes.push(Actor.Attributes.exitCode ?? '');
  }
  events.destroy();
  return codes;
}
