import { snapshotLists, type ProcessSnapshot, type SnapshotItem } from './process-snapshot';

/**
 * `new`: only the second has it. `gone`: only the first has it. `unmoved`: both have it, in the same state.
 * `moved`: both have it, in another state.
 */
export type SnapshotChange = 'new' | 'moved' | 'unmoved' | 'gone';

/** Items of one line and kind, compared. */
export interface ComparedItems extends Pick<SnapshotItem, 'kind' | 'what' | 'scope' | 'test' | 'source'> {
  readonly change: SnapshotChange;
  readonly count: number;
  /** Their state in the first snapshot, if it has them. */
  readonly before?: string | undefined;
  /** Their state in the second snapshot, if it has them. */
  readonly after?: string | undefined;
}

const order: readonly SnapshotChange[] = ['new', 'moved', 'unmoved', 'gone'];

/**
 * Compares what two processes, or the processes of two runs, still had: resources that are verified gone do not
 * count. Items are the same if kind, line, scope and test are; without a line, if they have the same description.
 */
export function compareSnapshots(
  before: readonly ProcessSnapshot[],
  after: readonly ProcessSnapshot[],
): readonly ComparedItems[] {
  const groups = new Map<string, { before: SnapshotItem[]; after: SnapshotItem[] }>();
  for (const side of ['before', 'after'] as const) {
    for (const item of presentItems(side === 'before' ? before : after)) {
      const key = keyOf(item);
      const group = groups.get(key) ?? { before: [], after: [] };
      groups.set(key, group);
      group[side].push(item);
    }
  }
  const compared = [...groups.values()].flatMap((group) => compareGroup(group.before, group.after));
  return compared.toSorted((one, other) => order.indexOf(one.change) - order.indexOf(other.change));
}

/** Returns one item for each resource, task or handle: a group of three handles as three. */
function presentItems(snapshots: readonly ProcessSnapshot[]): readonly SnapshotItem[] {
  return snapshots
    .flatMap((snapshot) => snapshotLists.flatMap((name) => snapshot[name]))
    .filter(({ state }) => state !== 'gone')
    .flatMap((item) => Array.from({ length: item.count }, () => item));
}

// Descriptions may have ports, pids and random names, which differ from run to run.
function keyOf({ kind, what, scope, test, source }: SnapshotItem): string {
  return JSON.stringify([kind, scope, test, source ?? what]);
}

function compareGroup(
  before: readonly SnapshotItem[],
  after: readonly SnapshotItem[],
): readonly ComparedItems[] {
  const left = [...after];
  const unmatched: SnapshotItem[] = [];
  const rows: ComparedItems[] = [];
  const add = (change: SnapshotChange, was: SnapshotItem | undefined, is: SnapshotItem | undefined): void => {
    const item = is ?? was;
    if (item === undefined) return;
    const { kind, what, scope, test, source } = item;
    const [from, to] = [was?.state, is?.state];
    const same = rows.findIndex((row) => row.change === change && row.before === from && row.after === to);
    const known = rows[same];
    if (known === undefined)
      rows.push({ change, kind, what, scope, test, source, count: 1, before: from, after: to });
    else rows[same] = { ...known, count: known.count + 1 };
  };
  for (const was of before) {
    const at = left.findIndex(({ state }) => state === was.state);
    if (at === -1) unmatched.push(was);
    else add('unmoved', was, left.splice(at, 1)[0]);
  }
  for (const was of unmatched) {
    const is = left.shift();
    add(is === undefined ? 'gone' : 'moved', was, is);
  }
  for (const is of left) add('new', undefined, is);
  return rows;
}
