import type { IncomingMessage } from 'node:http';
import type { Answer, Engine } from './engine';
import type { RemovableKind } from './removable-kind';

export interface EventQuery {
  readonly kinds: readonly RemovableKind[];
  /** Each `key` or `key=value`; they narrow the stream only where it is of containers alone. */
  readonly labels: readonly string[];
  /** In seconds since 1970, by the engine's clock: it repeats what was from then on, as far as it remembers. */
  readonly since: number | undefined;
  /** As `since`: what comes later is not waited for. Default: all of it is. */
  readonly until?: number | undefined;
  /** Closes the connection. */
  readonly signal: AbortSignal;
}

export interface EventStream {
  /** When the engine began to answer, in seconds since 1970 by its clock. */
  readonly openedAtSecond: number | undefined;
  /** One for each event. They end when the connection does, in whatever way. */
  readonly lines: AsyncIterable<string>;
}

/**
 * Opens a stream of what happens on the engine from now on; both engines answer at once, before anything happens. Docker
 * remembers 256 events to repeat (moby, `daemon/events`), Podman all of them.
 *
 * @see Engine API, SystemEvents
 */
export function openEventStream(engine: Engine, question: EventQuery): Promise<Answer<EventStream>> {
  const { kinds, labels, since, until, signal } = question;
  // No network, no volume and no deleted image has labels in its events: this filter would leave all of them out.
  const label = kinds.every((kind) => kind === 'container') ? [...labels] : [];
  return engine.ask('events', labels.join(' '), async (docker) => {
    const stream = (await docker.getEvents({
      filters: { type: [...kinds], ...(label.length > 0 && { label }) },
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
      abortSignal: signal,
    })) as IncomingMessage;
    stream.setEncoding('utf8');
    return { openedAtSecond: secondOf(stream.headers.date), lines: linesOf(stream) };
  });
}

async function* linesOf(stream: IncomingMessage): AsyncGenerator<string, undefined> {
  let rest = '';
  try {
    for await (const text of stream as AsyncIterable<string>) {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch {
    // ECONNRESET, ABORT_ERR: the connection is over, and so are the lines. One that was cut off will be repeated.
  }
}

// Date: Sat, 21 Nov 2026 08:51:23 GMT
function secondOf(date: string | undefined): number | undefined {
  const ms = Date.parse(date ?? '');
  return Number.isNaN(ms) ? undefined : ms / 1_000;
}
