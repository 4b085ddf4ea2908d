import type { ReaperMode } from './shutdown-policy';

/** When a claim is listed again, in milliseconds after it was reaped. */
const lateListingsAtMs: readonly number[] = [5_000, 15_000, 60_000];

/**
 * A reaper container is visible to everyone on the engine, so it exits sooner than a process. A stand-alone
 * reaper exits 11 s after its last client, as Ryuk does.
 */
const watchMsOf: Readonly<Record<ReaperMode, number>> = {
  attached: 15_000,
  host: 60_000,
  standing: 60_000,
  'stand-alone': 0,
};

/**
 * Pauses, in milliseconds, before each further listing of the claims of a client that died.
 *
 * @param watchMs - Time of the last listing, in milliseconds after the claim was reaped. Default: depends on
 * the mode; 0 lists no more.
 */
export function latePauses(mode: ReaperMode, watchMs: number = watchMsOf[mode]): readonly number[] {
  const early = lateListingsAtMs.filter((atMs) => atMs < watchMs);
  const listingsAtMs = watchMs > 0 ? [...early, watchMs] : [];
  return listingsAtMs.map((atMs, index) => atMs - (listingsAtMs[index - 1] ?? 0));
}
