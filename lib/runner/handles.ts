import { setImmediate } from 'node:timers/promises';
import { processWide } from '../core/global-state';
import { approximateSource } from '../core/source-line';
import type { HandleOwner } from '../diagnosis/handle';
import type { HandleWatch } from '../diagnosis/handle-watch';
import type { Registry } from '../registry/registry';
import type { RunClient } from '../session/run-client';
import type { AttachedRun } from './attached-run';
import { currentTestFile, definitionLine, startingContext } from './current-context';
import { loadLate } from './load-late';
import type { TestContext } from './test-context';

/** The owner of handles that a context of a test file opens. */
class ContextOwner implements HandleOwner {
  readonly context: TestContext;

  constructor(context: TestContext) {
    this.context = context;
  }

  get scope(): string {
    return this.context.name;
  }

  get test(): string | undefined {
    return this.context.test;
  }

  get source(): string | undefined {
    const line = definitionLine(this.context.definedBy);
    return line === undefined ? undefined : approximateSource(line);
  }
}

/** The owner of handles that global setups and teardowns open. */
const runOwner: HandleOwner = { scope: 'run' };

const owners = new WeakMap<TestContext, ContextOwner>();

function ownerOf(context: TestContext): ContextOwner {
  const known = owners.get(context);
  if (known !== undefined) return known;
  const owner = new ContextOwner(context);
  owners.set(context, owner);
  return owner;
}

/**
 * Starts to record the handles that user code opens in this process; replaces an earlier watch of the process.
 *
 * @param isOfRun - Returns whether the calling code was started by a global setup or teardown.
 * @param registry - Names the containers of streams.
 */
export function watchHandles(isOfRun: () => boolean, registry: Registry): HandleWatch {
  const { startHandleWatch } = loadLate.handleWatch();
  const slot = processWide('runner handle watch', (): { watch?: HandleWatch } => ({}));
  slot.watch?.stop();
  slot.watch = startHandleWatch(
    () => {
      const context = startingContext();
      return context === undefined ? (isOfRun() ? runOwner : undefined) : ownerOf(context);
    },
    (stack) => loadLate.handleLine().handleLineIn(stack, currentTestFile()),
    (peer) => loadLate.namePeer().namePeer(peer, registry),
  );
  return slot.watch;
}

/**
 * Reports the handles that a test file left open to the run. Resolves at once if there are none, else after up
 * to 0.5 s, and after user code's calls that end containers.
 */
export function reportFileHandles(
  file: TestContext,
  watch: HandleWatch,
  { client, capture }: Pick<AttachedRun, 'client' | 'capture'>,
): Promise<void> {
  const isOfFile = (owner: HandleOwner): boolean =>
    owner instanceof ContextOwner && owner.context.file === file;
  return report(watch, client, isOfFile, file.name, () => capture.whenQuiet());
}

/** Reports the handles that global setups and teardowns left open to the run. */
export function reportRunHandles(watch: HandleWatch, client: RunClient): Promise<void> {
  return report(watch, client, (owner) => owner === runOwner, 'the global setup');
}

async function report(
  watch: HandleWatch,
  client: RunClient,
  isOwner: (owner: HandleOwner) => boolean,
  what: string,
  whenQuiet?: () => Promise<void>,
): Promise<void> {
  // What the last test has opened or closed takes effect in this turn: streams start and stop to read.
  await setImmediate();
  if (watch.list(isOwner).length === 0) return;
  // Calls that stop or remove a container hold connections and commands; the end of the file waits for them, too.
  await whenQuiet?.();
  await loadLate.reportHandles().reportHandles(watch, client, isOwner, what);
}
