import { delimiter, resolve } from 'node:path';
import { forwardedVariables } from './reaper-variables';

/** The user's variables that background processes need. They receive the engine's address separately. */
const forwarded: readonly string[] = [
  'PATH',
  'HOME',
  'TMPDIR',
  'XDG_RUNTIME_DIR',
  'SSH_AUTH_SOCK',
  'TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE',
  ...forwardedVariables,
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
const paths: readonly string[] = ['HOME', 'TMPDIR', 'XDG_RUNTIME_DIR', 'SSH_AUTH_SOCK'];

/**
 * Returns the environment of a background process: the variables of `environment` that it needs, with
 * absolute paths.
 *
 * A host process also serves later clients, so it must not inherit `NODE_OPTIONS` or a debugger's port.
 */
export function hostEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    forwarded.flatMap((name) => {
      const value = environment[name];
      return value === undefined || value === '' ? [] : [[name, absolute(name, value)] as const];
    }),
  );
}

function absolute(name: string, value: string): string {
  if (name === 'PATH')
    return value
      .split(delimiter)
      .map((folder) => resolve(folder))
      .join(delimiter);
  return paths.includes(name) ? resolve(value) : value;
}
