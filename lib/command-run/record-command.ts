import { randomHex } from '../core/random-hex';
import { readOwnerOf } from '../processes/owner';
import type { ProcessRecord } from '../registry/process-record';
import { commandScope } from '../registry/scope-names';
import { sessionIdentity } from '../registry/session-identity';

/**
 * Records the command's process in the journal, so that it can be ended with its descendants if castoff is killed.
 * Where processes cannot be identified, nothing is recorded. Returns a function that records its end.
 *
 * It has no group of its own: castoff and the command share the terminal's foreground group.
 */
export function recordCommand(pid: number, command: string): () => void {
  const { owner, registry } = sessionIdentity();
  const process = readOwnerOf(pid, owner);
  if (process === undefined) return () => undefined;
  const record: ProcessRecord = {
    key: randomHex(8),
    process,
    group: pid,
    isTree: true,
    command,
    owner: { scope: commandScope, test: command },
    startedAt: new Date(),
    state: 'running',
  };
  registry.noteProcess(record);
  return () => registry.noteProcess({ ...record, state: 'ended' });
}
