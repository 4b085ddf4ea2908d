import { delimiter, resolve } from 'node:path';
import { readVariable, type Environment, type VariableName } from '../core/environment';

/** The user's settings of a session's reaper, which runs as a process or a container. */
export const reaperSettings: readonly VariableName[] = [
  'CASTOFF_REAPER_GRACE',
  'CASTOFF_REAPER_MAX_REMOVALS',
  'CASTOFF_REAPER_WATCH',
];

/** The user's variables that background processes need. They receive the engine's address separately. */
const forwarded: readonly VariableName[] = [
  'PATH',
  'HOME',
  'TMPDIR',
  'XDG_RUNTIME_DIR',
  'SSH_AUTH_SOCK',
  'TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE',
  ...reaperSettings,
  // On Windows, sockets and the user's folder are found by these.
  'SystemRoot',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
  'TEMP',
  'TMP',
];

/**
 * Variables that hold a path, which must be absolute: the other process has a different working directory.
 */
const paths: readonly VariableName[] = ['HOME', 'TMPDIR', 'XDG_RUNTIME_DIR', 'SSH_AUTH_SOCK'];

/**
 * Returns the environment of a background process: the variables of `environment` that it needs, with
 * absolute paths.
 *
 * A host process also serves later clients, so it must not inherit `NODE_OPTIONS` or a debugger's port.
 */
export function hostEnvironment(environment: Environment): Record<string, string> {
  return Object.fromEntries(
    forwarded.flatMap((name) => {
      const value = readVariable(name, environment);
      return value === undefined ? [] : [[name, absolute(name, value)] as const];
    }),
  );
}

function absolute(name: VariableName, value: string): string {
  if (name === 'PATH')
    return value
      .split(delimiter)
      .map((folder) => resolve(folder))
      .join(delimiter);
  return paths.includes(name) ? resolve(value) : value;
}
