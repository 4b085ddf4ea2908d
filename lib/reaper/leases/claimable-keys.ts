import { composeProjectLabel, labelNames, testcontainersSessionLabels } from '../../core/labels';
import type { ReaperMode } from './shutdown-policy';

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

/**
 * Label keys that a reaper accepts. A stand-alone reaper serves the clients of one test run and accepts the
 * same keys as Ryuk.
 */
export function claimableKeysIn(mode: ReaperMode, configured: ClaimableKeys | undefined): ClaimableKeys {
  return configured ?? (mode === 'standing' ? sessionKeys : 'any');
}
