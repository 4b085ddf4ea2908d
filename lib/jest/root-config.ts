import { processWide } from '../core/global-state';
import type { CastoffConfig } from './castoff-config';

const holder = (): { config?: CastoffConfig } => processWide('jest root config', () => ({}));

/**
 * Stores the config of the root of several projects, because Jest passes its global setup only the config of
 * one project.
 */
export function keepRootConfig(config: CastoffConfig): void {
  holder().config = config;
}

/** Returns the config that {@link keepRootConfig} last stored in this process. */
export function rootConfig(): CastoffConfig | undefined {
  return holder().config;
}
