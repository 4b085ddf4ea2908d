import { processWide } from '../core/global-state';
import type { MainRun } from '../runner/main-run';
import type { RunConfig } from './run-config';

/** The open run of Jest's main process. Jest loads its hooks separately, and they share this state. */
export interface JestRun extends MainRun {
  readonly runConfig: RunConfig;
  /** Paths of castoff's setups that have run. Jest runs each once per run. */
  readonly setups: Set<string>;
  /** Paths of castoff's teardowns that Jest has yet to run. */
  readonly teardowns: Set<string>;
  /** The user's hooks that have run. */
  readonly ownHooks: Set<string>;
  /** Absolute paths of global setups that Jest runs without castoff. */
  readonly outsideSetups: readonly string[];
  /** Errors of the projects' teardowns so far. */
  readonly failures: unknown[];
}

const holder = (): { run?: JestRun | undefined } => processWide('jest main run', () => ({}));

/** Sets the open run; `undefined` when it ends. */
export function setJestRun(run: JestRun | undefined): void {
  holder().run = run;
}

/** Returns the open run, if any. */
export function currentJestRun(): JestRun | undefined {
  return holder().run;
}
