/** What the reaper needs of the user's environment: how to find and reach the engine, and where the system's things are. */
const passedOn: readonly string[] = [
  'PATH',
  'HOME',
  'TMPDIR',
  'XDG_RUNTIME_DIR',
  'SSH_AUTH_SOCK',
  'DOCKER_HOST',
  'DOCKER_CONTEXT',
  'DOCKER_CONFIG',
  'DOCKER_TLS',
  'DOCKER_TLS_VERIFY',
  'DOCKER_CERT_PATH',
  'CASTOFF_REAPER_GRACE',
  // Windows: without them neither sockets nor the user's folder are found.
  'SystemRoot',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
  'TEMP',
  'TMP',
];

/**
 * The environment of the host process: of `environment` only what it needs, since it serves others after the one that
 * started it (no `NODE_OPTIONS`, no debugger's port), with the engine named outright.
 *
 * @param engine - The engine's address. Over TCP what named it goes along too: the certificates hang on it.
 */
export function hostEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  engine: string,
): Record<string, string> {
  const kept = Object.fromEntries(
    passedOn.flatMap((name) => {
      const value = environment[name];
      return value === undefined || value === '' ? [] : [[name, value] as const];
    }),
  );
  const isNamedByContext =
    /^(?:tcp|https):/.test(engine) &&
    kept['DOCKER_HOST'] === undefined &&
    kept['DOCKER_CONTEXT'] !== undefined;
  return isNamedByContext ? kept : { ...kept, DOCKER_HOST: engine };
}
