import { isWithin, type Bounds } from '../core/bounds';
import { composeProjectLabel } from '../core/labels';
import type { Engine } from '../engine/engine';
import { watchEvents, type WatchedEvent } from '../engine/watch-events';
import { identityOf } from '../engine/identity';
import { capturePostMortem, type PostMortem } from '../resources/post-mortem';

/** Observes the containers of a Compose project while it starts. */
export interface ProjectWatch {
  /** Whether a container of the project has been observed. */
  readonly hasSeen: boolean;
  /** Returns the latest post-mortem of each container that crashed. */
  postMortems(): readonly PostMortem[];
  /** Stops watching; resolves when pending post-mortems have been captured, within about 2 s. */
  stop(): Promise<void>;
}

/** Events of a container that a client stops, which is not a crash. */
const stopActions: ReadonlySet<string> = new Set(['kill', 'stop']);

/**
 * Watches the containers of a project. testcontainers removes a project that fails to start, including its
 * logs, so this captures them before. On an engine without events, it observes nothing.
 *
 * @param bounds - The containers that the start may create.
 */
export function watchProject(engine: Engine, project: string, bounds: Bounds): ProjectWatch {
  const stopping = new AbortController();
  const capturing = new Map<string, Promise<void>>();
  const stopped = new Set<string>();
  const crashed = new Map<string, number | undefined>();
  const captured = new Map<string, PostMortem>();
  let hasSeen = false;
  const isCreatedByStart = (id: string): boolean => isWithin(identityOf({ kind: 'container', id }), bounds);

  // A container in a restart loop has one capture at a time.
  const capture = (id: string): void => {
    if (!capturing.has(id)) capturing.set(id, captureNow(id));
  };
  const captureNow = async (id: string): Promise<void> => {
    const postMortem = await capturePostMortem(engine, id);
    capturing.delete(id);
    if (postMortem === undefined) return;
    // The engine may write the last output a moment after the container has exited.
    const isBetter = postMortem.logLines.length > 0 || !captured.has(id);
    if (isBetter) captured.set(id, atExit(postMortem, crashed.get(id)));
  };
  const onEvent = (watched: WatchedEvent): void => {
    if (watched.type === 'listing') {
      hasSeen ||= watched.targets.some(({ id }) => isCreatedByStart(id));
      return;
    }
    const { event } = watched;
    if (!isCreatedByStart(event.id)) return;
    hasSeen = true;
    const { id, action, exitCode } = event;
    if (stopActions.has(action)) stopped.add(id);
    else if (action === 'die' && exitCode !== 0 && !stopped.has(id)) crashed.set(id, exitCode);
    if (crashed.has(id) && (action === 'die' || action === 'kill')) capture(id);
  };
  const labels = [`${composeProjectLabel}=${project}`];
  const watching = watchEvents(engine, { labels, kinds: ['container'], signal: stopping.signal }, onEvent);

  return {
    get hasSeen() {
      return hasSeen;
    },
    postMortems: () => [...captured.values()],
    async stop() {
      stopping.abort();
      // An EngineError means that the engine has no events: nothing was observed.
      await Promise.allSettled([watching, ...capturing.values()]);
    },
  };
}

/** A restarted container no longer reports how it exited before: restores that from the event. */
function atExit(postMortem: PostMortem, exitCode: number | undefined): PostMortem {
  const { status } = postMortem;
  return {
    ...postMortem,
    status: status === 'running' ? 'restarting' : status,
    exitCode: exitCode ?? postMortem.exitCode,
  };
}
