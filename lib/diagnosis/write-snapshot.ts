import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { threadId } from 'node:worker_threads';
import { messageOf } from '../core/errors';
import { processWide } from '../core/global-state';
import { packageVersion } from '../core/package-version';
import { print } from '../core/print';
import { safeJson } from '../core/safe-text';
import type { RegistryEntry } from '../registry/entry';
import { sessionIdentity } from '../registry/session-identity';
import { listActivities, type Activity } from '../scope/activities';
import type { Handle } from './handle';
import { listWatchedHandles } from './running-watches';
import {
  snapshotVersion,
  type ProcessSnapshot,
  type SnapshotItem,
  type SnapshotReason,
} from './process-snapshot';

/** Writes the snapshot of this process, unless it has been written. Never throws. */
export type WriteSnapshot = (reason: SnapshotReason) => void;

/**
 * Plans the snapshot of this process in `folder`: it is written once, at the first end of a session or run, or
 * when the process exits before that. Returns the function that writes it.
 */
export function planSnapshot(folder: string): WriteSnapshot {
  return processWide('process snapshot', () => {
    // The process may change its working directory.
    const target = resolve(folder);
    let isWritten = false;
    const write: WriteSnapshot = (reason) => {
      if (isWritten) return;
      isWritten = true;
      try {
        writeFile(target, takeProcessSnapshot(reason));
      } catch (error) {
        print(`write the snapshot to ${target}: ${messageOf(error)}`);
      }
    };
    process.on('exit', () => write('process exit'));
    return write;
  });
}

function writeFile(folder: string, snapshot: ProcessSnapshot): void {
  mkdirSync(folder, { recursive: true });
  const thread = threadId === 0 ? '' : `-${threadId}`;
  // Windows allows no colon in a name.
  const name = `${snapshot.takenAt.replaceAll(':', '-')}-${process.pid}${thread}.json`;
  const path = join(folder, name);
  writeFileSync(`${path}.part`, safeJson(snapshot), { flag: 'wx' });
  renameSync(`${path}.part`, path);
}

function takeProcessSnapshot(reason: SnapshotReason): ProcessSnapshot {
  const { id: session, owner, registry, worker } = sessionIdentity();
  const activities = listActivities();
  return {
    schemaVersion: snapshotVersion,
    takenAt: new Date().toISOString(),
    reason,
    process: { pid: owner.pid, host: owner.host, version: packageVersion, session, worker },
    resources: registry.list().map((entry) => itemOfEntry(entry)),
    tasks: activities.filter(({ kind }) => kind === 'task').map(itemOfActivity),
    commands: activities.filter(({ kind }) => kind === 'command').map(itemOfActivity),
    handles: listWatchedHandles().filter(isNoTask).map(itemOfHandle),
  };
}

// Tasks have a list of their own, which needs no watch.
function isNoTask({ kind }: Handle): boolean {
  return kind !== 'task';
}

function itemOfEntry({ kind, id, name, image, owner, state, since }: RegistryEntry): SnapshotItem {
  const label = name ?? image;
  const what = label === undefined ? kind : `${kind} ${label}`;
  return { kind, what, id, ...owner, state, since: since.toISOString(), count: 1 };
}

function itemOfActivity({ kind, what, scope, source, startedAt, state }: Activity): SnapshotItem {
  return { kind, what, scope, source, state, since: startedAt.toISOString(), count: 1 };
}

function itemOfHandle({ kind, what, scope, test, source, createdAt, count }: Handle): SnapshotItem {
  return { kind, what, scope, test, source, state: 'open', since: createdAt, count };
}
