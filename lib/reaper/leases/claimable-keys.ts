import { composeProjectLabel, labelNames } from '../../core/labels';
import type { ReaperMode } from './shutdown-policy';

/** The label keys of which a claim must name one with a value; `any`: every key. */
export type ClaimableKeys = readonly string[] | 'any';

/**
 * The label keys whose value names one session. Go and Java send further labels in the same line.
 *
 * @see testcontainers-node and -python, -go and -java, -dotnet; docker compose
 */
export const sessionKeys: readonly string[] = [
  labelNames.session,
  'org.testcontainers.session-id',
  'org.testcontainers.sessionId',
  'org.testcontainers.resource-reaper-session',
  composeProjectLabel,
];

/** The keys that a reaper accepts. A stand-alone one serves the clients of one test run and accepts what Ryuk accepts. */
export function claimableKeysIn(mode: ReaperMode, configured: ClaimableKeys | undefined): ClaimableKeys {
  return configured ?? (mode === 'standing' ? sessionKeys : 'any');
}
