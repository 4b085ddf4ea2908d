import { processWide } from '../core/global-state';
import type { Run } from '../session/run-slot';
import type { RunConfig } from './run-config';

/** What setup has opened, for teardown: Jest loads the two apart. */
export interface MainRun {
  readonly run: Run;
  readonly runConfig: RunConfig;
  /** Takes this process out of the run; rejects with what that could not clean. */
  readonly leave: () => Promise<void>;
  readonly unwatchSignals: () => void;
}

const holder = (): { main?: MainRun | undefined } => processWide('jest main run', () => ({}));

export function keepMainRun(main: MainRun): void {
  holder().main = main;
}

/** What setup has kept, once. */
export function takeMainRun(): MainRun | undefined {
  const { main } = holder();
  holder().main = undefined;
  return main;
}
