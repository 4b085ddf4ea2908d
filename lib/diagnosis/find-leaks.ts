import { channel } from 'node:diagnostics_channel';
import { setImmediate } from 'node:timers/promises';
import { userLineIn } from '../capture/user-line';
import { CastoffError } from '../core/errors';
import { processWide } from '../core/global-state';
import { checkOptionNames, type OptionNames } from '../core/option-names';
import { formatHandle, type Handle, type HandleOwner } from './handle';
import { startHandleWatch, type HandleWatch } from './handle-watch';

/** Marks a moment, for `since` of {@link findLeaks}. */
export interface Snapshot {
  readonly takenAt: Date;
}

/** Handles of one kind that one line opened and that are still open. */
export type Leak = Pick<Handle, 'kind' | 'what' | 'source' | 'createdAt' | 'count'>;

/** Options of {@link findLeaks} and {@link assertNoLeaks}. */
export interface FindLeaksOptions {
  /** Considers only handles opened after this snapshot. Default: all since the watch started. */
  readonly since?: Snapshot | undefined;
}

const optionNames: OptionNames<FindLeaksOptions> = { since: true };

/**
 * Marks this moment. The first call in a process starts the watch: what was opened before is never reported.
 *
 * @returns A snapshot for `since` of {@link findLeaks} and {@link assertNoLeaks}.
 */
export function takeSnapshot(): Snapshot {
  const state = watchState();
  const snapshot: Snapshot = { takenAt: new Date() };
  state.owner = { scope: 'process', order: state.owner.order + 1 };
  state.orders.set(snapshot, state.owner.order);
  return snapshot;
}

/**
 * Finds the timers, sockets, servers, child processes, watchers, workers and ports that user code opened and
 * that still hold the process, and detached child processes that would outlive it.
 *
 * Resolves to one entry per line and kind, the oldest first; after 0.5 s while there are some, since a close
 * may be under way. The first call in a process starts the watch, and resolves to none.
 *
 * @throws CastoffError `CONFIG_INVALID` for an unknown option, or a snapshot of another copy of castoff.
 */
export async function findLeaks(options: FindLeaksOptions = {}): Promise<Leak[]> {
  checkOptionNames('findLeaks', options, optionNames);
  const { watch, orders } = watchState();
  const { since } = options;
  const first = since === undefined ? 0 : orders.get(since);
  if (first === undefined)
    throw new CastoffError('CONFIG_INVALID', 'findLeaks: since: not a snapshot of takeSnapshot()');
  // What the caller has opened or closed takes effect in this turn: streams start and stop to read.
  await setImmediate();
  const found = await watch.findLeaks((owner) => (owner as OrderedOwner).order >= first);
  // Without a line it is a part of Node.js, or of a program that loaded this code.
  return found
    .filter(({ source }) => source !== undefined)
    .map(({ kind, what, source, createdAt, count }) => ({ kind, what, source, createdAt, count }));
}

/**
 * Fails if {@link findLeaks} finds something.
 *
 * @throws CastoffError `LEAKS_FOUND`; its message lists each leak with its line.
 */
export async function assertNoLeaks(options: FindLeaksOptions = {}): Promise<void> {
  const leaks = await findLeaks(options);
  if (leaks.length === 0) return;
  const first = leaks.length === 1 ? 'this is still open:' : `these ${leaks.length} are still open:`;
  throw new CastoffError(
    'LEAKS_FOUND',
    [first, ...leaks.map((leak) => `  ${formatHandle(leak)}`)].join('\n'),
  );
}

/** Handles opened between two snapshots have the same owner. */
interface OrderedOwner extends HandleOwner {
  readonly order: number;
}

interface WatchState {
  readonly watch: HandleWatch;
  owner: OrderedOwner;
  readonly orders: WeakMap<Snapshot, number>;
}

/** All realms of a process share it: Jest runs each test file in one of its own, and reports no end of it. */
const watchStarts = channel('castoff:watch-starts');

/** Returns the watch of this realm; starts it, and stops those of earlier test files. */
function watchState(): WatchState {
  const slot = processWide('handle watch', (): { state?: WatchState | undefined } => ({}));
  if (slot.state !== undefined) return slot.state;
  watchStarts.publish(undefined);
  const state: WatchState = {
    watch: startHandleWatch(() => state.owner, userLineIn),
    owner: { scope: 'process', order: 0 },
    orders: new WeakMap(),
  };
  slot.state = state;
  watchStarts.subscribe(function stop() {
    watchStarts.unsubscribe(stop);
    slot.state = undefined;
    state.watch.stop();
  });
  return state;
}
