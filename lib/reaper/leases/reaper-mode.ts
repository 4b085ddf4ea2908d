import { composeProjectLabel, labelNames, testcontainersSessionLabels } from '../../core/labels';

/**
 * How a reaper is run. The modes differ in how clients reach it, and in who owns its lifetime:
 *
 * - `sidecar`: over standard input, by one client, with which it ends
 * - `host`: over a local socket, by the sessions of one user; ends soon after the last one
 * - `ryuk`: over TCP, by the clients of one test run, in place of Ryuk; ends soon after the last one
 * - `daemon`: over TCP or a local socket, by any client; runs until it is stopped
 */
export type ReaperMode = 'sidecar' | 'host' | 'ryuk' | 'daemon';

/** Label keys of which a claim must contain at least one, with a value. `any` accepts every key. */
export type ClaimableKeys = readonly string[] | 'any';

/**
 * Label keys whose value identifies a session. The Go and Java clients send more labels on the same line.
 */
export const sessionKeys: readonly string[] = [
  labelNames.session,
  ...testcontainersSessionLabels,
  composeProjectLabel,
];

interface ModeDefaults {
  /** How long the claims of a dead client are listed again after they were reaped, in milliseconds. */
  readonly watchMs: number;
  readonly claimableKeys: ClaimableKeys;
}

/** The defaults of each mode. */
export const modeDefaults: Readonly<Record<ReaperMode, ModeDefaults>> = {
  // A container is visible to everyone on the engine, so it exits sooner than a process.
  sidecar: { watchMs: 15_000, claimableKeys: 'any' },
  host: { watchMs: 60_000, claimableKeys: 'any' },
  // As Ryuk, which exits 11 s after its last client and accepts every key.
  ryuk: { watchMs: 0, claimableKeys: 'any' },
  daemon: { watchMs: 60_000, claimableKeys: sessionKeys },
};

/** When a claim is listed again, in milliseconds after it was reaped. */
const lateListingsAtMs: readonly number[] = [5_000, 15_000, 60_000];

/**
 * Returns the pauses, in milliseconds, before each further listing of the claims of a client that died.
 *
 * @param watchMs - Time of the last listing, in milliseconds after the claim was reaped; 0 lists no more.
 */
export function latePauses(watchMs: number): readonly number[] {
  const early = lateListingsAtMs.filter((atMs) => atMs < watchMs);
  const listingsAtMs = watchMs > 0 ? [...early, watchMs] : [];
  return listingsAtMs.map((atMs, index) => atMs - (listingsAtMs[index - 1] ?? 0));
}
