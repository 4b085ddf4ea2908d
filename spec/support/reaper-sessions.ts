import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import {
  isSessionGone,
  openReaperFolder,
  startSessionChild,
  type ChildOptions,
  type SessionChild,
} from './session-child';
import { until } from './until';

/** Sessions with reapers, for the specs of a file. */
export interface ReaperSessions {
  /** The host processes that their sessions share. */
  readonly hosts: () => readonly number[];
  /** Starts a process with a session. After the spec, it is killed, and everything of its session must be removed. */
  readonly start: (options: ChildOptions) => Promise<SessionChild>;
  /** Resolves to whether everything of a session, and its own reaper, is removed within 30 s. */
  readonly isGoneSoon: (child: SessionChild) => Promise<boolean>;
}

/** Opens a temporary folder for the sessions. @param defaults - Options of every session. */
export function openReaperSessions(defaults: ChildOptions): ReaperSessions {
  let folder: Awaited<ReturnType<typeof openReaperFolder>>;
  beforeAll(async () => {
    folder = await openReaperFolder();
  });
  afterAll(() => folder[Symbol.asyncDispose]());

  const isGoneSoon = ({ told: { session } }: SessionChild): Promise<boolean> =>
    until(() => isSessionGone(session), 30_000, 100);
  const children: SessionChild[] = [];
  afterEach(async () => {
    for (const child of children.splice(0)) {
      await child.kill();
      expect(await isGoneSoon(child)).toBe(true);
    }
  });

  return {
    hosts: () => folder.hosts(),
    async start(options) {
      const env = { TMPDIR: folder.folder, ...defaults.env, ...options.env };
      const child = await startSessionChild({ areStarted: false, ...defaults, ...options, env });
      children.push(child);
      return child;
    },
    isGoneSoon,
  };
}
