import type { RunClient } from '../session/run-client';
import type { RunFacts } from './run-parts';
import type { ReplyValue, Asked, RunRequests } from './run-requests';
import type * as sharedValue from './shared-value';

/** Makes the requests of one process to its run. */
export interface RunCaller {
  /** Makes a request. Resolves to the value of the reply. */
  readonly call: <T extends keyof RunRequests>(type: T, asked: Asked<T>) => Promise<ReplyValue<T>>;
  /** Makes a request without waiting for it. */
  readonly notify: <T extends keyof RunRequests>(type: T, asked: Asked<T>) => void;
}

/** Returns a process's access to its run. `worker`: its id; `undefined` for the run's own process. */
export function createRunClient(
  facts: RunFacts,
  worker: string | undefined,
  { call, notify }: RunCaller,
): RunClient {
  return {
    ...facts,
    worker,
    ready: () => call('ready', {}),
    report: (entry) => notify('report', { entry }),
    reportUnlabelled: (creation) => notify('unlabelled', { creation }),
    noteDeath: (key, died) => call('note-death', { key, died }),
    async removeLeaks(keys) {
      // The registry notifies its listeners in a microtask: the leaks are reported before this request is
      // made.
      await Promise.resolve();
      await call('remove-leaks', { keys });
    },
    reportHandles: (handles) => call('report-handles', { handles }),
    claim: (labels, bounds) => call('claim', { labels, bounds }),
    release: (labels, bounds) => call('release', { labels, bounds }),
    awaitShared: (name, asked) => call('await-shared', { name, ...asked }),
    async settleShared(name, made) {
      // Loaded with its first use: most runs share nothing.
      const { checkJsonLength } = require('./shared-value') as typeof sharedValue;
      if ('json' in made) checkJsonLength(`shared ${name}`, made.json);
      await call('settle-shared', { name, made });
    },
  };
}
