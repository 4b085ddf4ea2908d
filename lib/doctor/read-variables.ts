import type { environmentVariables, VariableName } from '../core/environment';
import { reaperVariables } from '../reaper/daemon/settings';
import type { SetVariable } from './doctor-facts';

type SetByUser = {
  [Name in VariableName]: (typeof environmentVariables)[Name]['setBy'] extends 'user' ? Name : never;
}[VariableName];

/**
 * Users' variables, and castoff's own. A list of its own, which the compiler compares: the table would be loaded by
 * every test file if the program used it.
 */
const known = {
  CASTOFF_REAPER: true,
  CASTOFF_REAPER_TOKEN: true,
  CASTOFF_REAPER_TOKEN_FILE: true,
  CASTOFF_REAPER_GRACE: true,
  CASTOFF_REAPER_MAX_REMOVALS: true,
  CASTOFF_REAPER_WATCH: true,
  CASTOFF_REAPER_SOCKET: true,
  CASTOFF_SWEEP: true,
  CASTOFF_LEAKS: true,
  CASTOFF_HANDLES: true,
  CASTOFF_EXIT: true,
  CASTOFF_EXIT_DELAY_MS: true,
  CASTOFF_CLEANUP: true,
  CASTOFF_KEEP: true,
  CASTOFF_IGNORE: true,
  CASTOFF_REPORT_FILE: true,
  CASTOFF_HISTORY: true,
  CASTOFF_SNAPSHOT: true,
  CASTOFF_RELAY: true,
  CASTOFF_RUN: true,
  CASTOFF_RUN_CONFIG: true,
  DOCKER_HOST: true,
  DOCKER_CONTEXT: true,
  DOCKER_CONFIG: true,
  DOCKER_TLS: true,
  DOCKER_TLS_VERIFY: true,
  DOCKER_CERT_PATH: true,
  COMPOSE_PROJECT_NAME: true,
  COMPOSE_FILE: true,
  COMPOSE_ENV_FILES: true,
  COMPOSE_PATH_SEPARATOR: true,
  TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE: true,
  TESTCONTAINERS_RYUK_DISABLED: true,
  XDG_RUNTIME_DIR: true,
  TMPDIR: true,
  FORCE_COLOR: true,
  NO_COLOR: true,
  NODE_DEBUG: true,
} as const satisfies Readonly<Record<SetByUser | Extract<VariableName, `CASTOFF_${string}`>, true>>;

const ofReaper = new Set<string>(Object.values(reaperVariables).map(({ variable }) => variable));

/**
 * Returns the variables that castoff or its reaper reads and that are set in `environment`, and those that resemble
 * one of castoff's. Tokens are not shown.
 */
export function listSetVariables(
  environment: Readonly<Record<string, string | undefined>>,
): readonly SetVariable[] {
  return Object.entries(environment)
    .flatMap(([name, value = '']): readonly SetVariable[] => {
      const isKnown = Object.hasOwn(known, name) || ofReaper.has(name);
      if (value === '' || (!isKnown && !name.startsWith('CASTOFF_'))) return [];
      return [{ name, isKnown, shown: name.endsWith('_TOKEN') ? 'set' : value }];
    })
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}
