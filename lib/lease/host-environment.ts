import { delimiter, resolve } from 'node:path';
import { reaperVariablesFrom } from './reaper-variables';

/** What the reaper and the keeper need of the user's environment. The engine is handed to them. */
const passedOn: readonly string[] = [
  'PATH',
  'HOME',
  'TMPDIR',
  'XDG_RUNTIME_DIR',
  'SSH_AUTH_SOCK',
  'TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE',
  ...reaperVariablesFrom,
  // Windows: without them neither sockets nor the user's folder are found.
  'SystemRoot',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
  'TEMP',
  'TMP',
];

/** Those of them that are paths: relative ones would mean something else in the other process's working directory. */
const paths: readonly string[] = ['HOME', 'TMPDIR', 'XDG_RUNTIME_DIR', 'SSH_AUTH_SOCK'];

/**
 * The environment of the host process: of `environment` only what it needs, since it serves others after the one that
 * started it (no `NODE_OPTIONS`, no debugger's port), with absolute paths.
 */
export function hostEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    passedOn.flatMap((name) => {
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
