import { randomHex } from '../core/random-hex';
import { readOwnerOf } from '../processes/owner';
import type { GroupEvents } from '../processes/process-group';
import type { ProcessRecord } from '../registry/process-record';
import { sessionIdentity } from '../registry/session-identity';
import { trackActivity } from './activities';
import type { ScopeContext } from './scope-context';

/**
 * Records a new process that leads its group in the journal of this process, so that the group can be ended if
 * this process is killed. Where processes cannot be identified, nothing is recorded. Returns the functions that
 * keep the record up to date.
 */
export function recordProcesses(
  group: number,
  command: string,
  { registry, owner }: Pick<ScopeContext, 'registry' | 'owner'>,
): GroupEvents {
  let running: readonly ProcessRecord[] = [];
  const recordAs = (pids: readonly number[]): void => {
    const before = running;
    const here = sessionIdentity().owner;
    running = pids.flatMap((pid): readonly ProcessRecord[] => {
      const process = readOwnerOf(pid, here);
      if (process === undefined) return [];
      const key = randomHex(8);
      const startedAt = new Date();
      return [{ key, process, group, command, owner, startedAt, state: 'running' }];
    });
    for (const record of running) registry.noteProcess(record);
    for (const record of before) registry.noteProcess({ ...record, state: 'ended' });
  };
  recordAs([group]);
  const what = `command ${command}`;
  const { scope, source } = owner;
  const untrack = trackActivity({
    kind: 'command',
    what,
    scope,
    source,
    startedAt: new Date(),
    state: 'running',
  });
  return {
    onSurvivors: recordAs,
    onEnd() {
      recordAs([]);
      untrack();
    },
  };
}
