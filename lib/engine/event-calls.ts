import type { IncomingMessage } from 'node:http';
import type { Answer, Engine } from './engine';
import type { RemovableKind } from '../core/kinds';

interface EventQuery {
  readonly kinds: readonly RemovableKind[];
  /** Each `key` or `key=value`. They filter the stream only when `kinds` is containers alone. */
  readonly labels: readonly string[];
  /**
   * In seconds since 1970, by the engine's clock: replays events from then on, as far as the engine has them.
   * Default: no replay.
   */
  readonly since?: number | undefined;
  /** As `since`: the stream ends with the last event before. Default: it does not end. */
  readonly until?: number | undefined;
  /** Closes the connection. */
  readonly signal: AbortSignal;
}

/**
 * Opens a stream of the engine's events. Docker and Podman respond at once, before the first event. Docker
 * can replay 256 events (moby, `daemon/events`), Podman all of them.
 *
 * Resolves to one line for each event. They end when the connection ends, for any reason.
 *
 * @see Engine API, SystemEvents
 */
export function openEventStream(engine: Engine, query: EventQuery): Promise<Answer<AsyncIterable<string>>> {
  const { kinds, labels, since, until, signal } = query;
  // Events of networks, volumes and deleted images have no labels: this filter would drop them all.
  const label = kinds.every((kind) => kind === 'container') ? [...labels] : [];
  return engine.ask('events', labels.join(' '), async (docker) => {
    const stream = (await docker.getEvents({
      filters: { type: [...kinds], ...(label.length > 0 && { label }) },
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
      abortSignal: signal,
    })) as IncomingMessage;
    stream.setEncoding('utf8');
    return linesOf(stream);
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
    // ECONNRESET, ABORT_ERR: the connection has ended, perhaps within a line.
  }
}
