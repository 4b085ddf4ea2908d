import { processWide } from '../core/global-state';
import type { CastoffConfig } from './castoff-config';

const holder = (): { config?: CastoffConfig } => processWide('jest root config', () => ({}));

/** Keeps what belongs to the root of several projects: Jest hands no project's config on to its global setup but one's. */
export function keepRootConfig(config: CastoffConfig): void {
  holder().config = config;
}

/** What `keepRootConfig` last kept in this process. */
export function rootConfig(): CastoffConfig | undefined {
  return holder().config;
}
