import { processWide } from '../core/global-state';
import type { Run } from '../session/current-run';
import type { HookRounds } from './hook-rounds';
import type { RunConfig } from './run-config';

/** The open run of Jest's own process: Jest loads the hooks that share it apart. */
export interface MainRun {
  readonly run: Run;
  readonly runConfig: RunConfig;
  readonly hooks: HookRounds;
  /** Files that run as global setups of this run's configs without castoff. */
  readonly outsideSetups: readonly string[];
  /** What the hooks of the projects have thrown so far at the end. */
  readonly failures: unknown[];
  /** Takes this process out of the run; rejects with what that could not clean. */
  readonly leave: () => Promise<void>;
  readonly unwatchSignals: () => void;
}

const holder = (): { main?: MainRun | undefined } => processWide('jest main run', () => ({}));

/** `undefined` where no run is open any more. */
export function setMainRun(main: MainRun | undefined): void {
  holder().main = main;
}

export function mainRun(): MainRun | undefined {
  return holder().main;
}
