import { processWide } from '../core/global-state';
import type { SignalWatch } from '../run/run-signals';
import type { Run } from '../session/current-run';
import type { HookRounds } from './hook-rounds';
import type { RunConfig } from './run-config';

/** The open run of Jest's main process. Jest loads its hooks separately, and they share this state. */
export interface MainRun {
  readonly run: Run;
  readonly runConfig: RunConfig;
  readonly hooks: HookRounds;
  /** Absolute paths of global setups that Jest runs without castoff. */
  readonly outsideSetups: readonly string[];
  /** Errors of the projects' teardowns so far. */
  readonly failures: unknown[];
  /** Detaches this process from the run. Rejects when the scope of the global setups could not be closed. */
  readonly detach: () => Promise<void>;
  readonly signals: SignalWatch;
}

const holder = (): { main?: MainRun | undefined } => processWide('jest main run', () => ({}));

/** Sets the open run; `undefined` when it ends. */
export function setMainRun(main: MainRun | undefined): void {
  holder().main = main;
}

/** Returns the open run, if any. */
export function mainRun(): MainRun | undefined {
  return holder().main;
}
