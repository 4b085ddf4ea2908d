import { isWithin, type Bounds } from '../core/bounds';
import { composeProjectLabel } from '../core/labels';
import type { Engine } from '../engine/engine';
import { watchEvents, type WatchedEvent } from '../engine/events';
import { identityOf } from '../engine/identity';
import { capturePostMortem, type PostMortem } from '../resources/post-mortem';

/** What the containers of a Compose project do while it comes up. */
export interface ProjectWatch {
  /** Whether a container of it has been seen. */
  readonly hasSeen: boolean;
  /** What those were like that ended by themselves with a failure: the last time of each. */
  postMortems(): readonly PostMortem[];
  /** Ends it; resolves when all that has been seen has been read, in about 2 s at most. */
  stop(): Promise<void>;
}

/** These signals are how others end a container. */
const endings: ReadonlySet<string> = new Set(['kill', 'stop']);

/**
 * Watches the containers of a project: testcontainers takes a project down that does not come up, with all that its containers had to say.
 * Without events, on an engine that has none to give, nothing is seen.
 *
 * @param bounds - Which of them may come from the start.
 */
export function watchProject(engine: Engine, project: string, bounds: Bounds): ProjectWatch {
  const ending = new AbortController();
  const reading = new Map<string, Promise<void>>();
  const ended = new Set<string>();
  const crashed = new Map<string, number | undefined>();
  const read = new Map<string, PostMortem>();
  let hasSeen = false;
  const isMeant = (id: string): boolean => isWithin(identityOf({ kind: 'container', id }), bounds);

  // One that restarts again and again is read once at a time.
  const capture = (id: string): void => {
    if (!reading.has(id)) reading.set(id, captureNow(id));
  };
  const captureNow = async (id: string): Promise<void> => {
    const postMortem = await capturePostMortem(engine, id);
    reading.delete(id);
    if (postMortem === undefined) return;
    // The engine may write what a container has said a moment after its end.
    const isBetter = postMortem.logLines.length > 0 || !read.has(id);
    if (isBetter) read.set(id, atItsEnd(postMortem, crashed.get(id)));
  };
  const hear = (heard: WatchedEvent): void => {
    if (heard.type === 'listing') {
      hasSeen ||= heard.targets.some(({ id }) => isMeant(id));
      return;
    }
    const { event } = heard;
    if (!isMeant(event.id)) return;
    hasSeen = true;
    const { id, action, exitCode } = event;
    if (endings.has(action)) ended.add(id);
    else if (action === 'die' && exitCode !== 0 && !ended.has(id)) crashed.set(id, exitCode);
    if (crashed.has(id) && (action === 'die' || action === 'kill')) capture(id);
  };
  const watching = (async () => {
    const labels = [`${composeProjectLabel}=${project}`];
    const events = watchEvents(engine, { labels, kinds: ['container'], signal: ending.signal });
    for await (const heard of events) hear(heard);
  })();

  return {
    get hasSeen() {
      return hasSeen;
    },
    postMortems: () => [...read.values()],
    async stop() {
      ending.abort();
      // An EngineError says that there are no events: then nothing was seen.
      await Promise.allSettled([watching, ...reading.values()]);
    },
  };
}

/** A container that is restarted says no more how it ended. */
function atItsEnd(postMortem: PostMortem, exitCode: number | undefined): PostMortem {
  const { status } = postMortem;
  return {
    ...postMortem,
    status: status === 'running' ? 'restarting' : status,
    exitCode: exitCode ?? postMortem.exitCode,
  };
}
