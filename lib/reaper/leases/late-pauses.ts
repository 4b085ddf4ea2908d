import type { ReaperMode } from './shutdown-policy';

/** When a claim is looked for again, in milliseconds after it was reaped. */
const lateLooksAtMs: readonly number[] = [5_000, 15_000, 60_000];

/**
 * A reaper on the engine is in sight of everybody there and leaves sooner than a process. A stand-alone one is gone 11 s after its last
 * client, as Ryuk is.
 */
const watchMsOf: Readonly<Record<ReaperMode, number>> = {
  attached: 15_000,
  host: 60_000,
  standing: 60_000,
  'stand-alone': 0,
};

/** The pauses before each further look at the claims of a client that died. `watchMs`: how long, where that is configured. */
export function latePauses(mode: ReaperMode, watchMs: number = watchMsOf[mode]): readonly number[] {
  const early = lateLooksAtMs.filter((atMs) => atMs < watchMs);
  const looksAtMs = watchMs > 0 ? [...early, watchMs] : [];
  return looksAtMs.map((atMs, index) => atMs - (looksAtMs[index - 1] ?? 0));
}
