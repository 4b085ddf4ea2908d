interface Variable {
  /** By whom it is set: the user, a CI system, a test runner, the operating system, or castoff for processes that it starts. */
  readonly setBy: 'user' | 'ci' | 'runner' | 'system' | 'castoff';
  /** As text; absent when unset has no equivalent. */
  readonly byDefault?: string;
  readonly doc: string;
}

const ciRunId = { setBy: 'ci', doc: 'the id of the CI run, for the labels of its resources' } as const;

/**
 * All environment variables that castoff reads or sets, except those of a reaper that the user runs;
 * docs/environment.md lists those of users and CI systems.
 *
 * @see reaperVariables
 */
export const environmentVariables = {
  CASTOFF_REAPER: {
    setBy: 'user',
    byDefault: 'auto',
    doc: '[the reaper](reaper.md) of a session: `auto`, `container`, `process`, `off`, or the address of one that runs: `tcp://host:port`',
  },
  CASTOFF_REAPER_TOKEN: { setBy: 'user', doc: 'the token for the reaper at that address' },
  CASTOFF_REAPER_TOKEN_FILE: { setBy: 'user', doc: 'the file that has it' },
  CASTOFF_REAPER_GRACE: {
    setBy: 'user',
    byDefault: '0.5s',
    doc: 'how long the reaper waits for a client to reconnect before it reaps its claims',
  },
  CASTOFF_REAPER_MAX_REMOVALS: {
    setBy: 'user',
    byDefault: '1000',
    doc: 'the most resources that one pass of the reaper may remove; `none`: no limit',
  },
  CASTOFF_REAPER_WATCH: {
    setBy: 'user',
    doc: 'how long the reaper keeps listing again after a crash; by default 15 s in a container, 60 s in a process',
  },
  CASTOFF_SWEEP: { setBy: 'user', doc: '`off`: opening a session starts no [sweep](sweep.md)' },
  CASTOFF_LEAKS: {
    setBy: 'user',
    byDefault: 'fail',
    doc: 'the [option](jest.md#options) `leaks`: `fail`, `warn` or `off`',
  },
  CASTOFF_HANDLES: {
    setBy: 'user',
    byDefault: 'report',
    doc: 'the option `handles`: `report`, `fail` or `off`',
  },
  CASTOFF_EXIT: {
    setBy: 'user',
    byDefault: 'report',
    doc: 'the option `exit`; `force`: ends a process that does not exit after the run',
  },
  CASTOFF_EXIT_DELAY_MS: {
    setBy: 'user',
    byDefault: '2000',
    doc: 'the option `exitDelayMs`: the milliseconds after which it does so',
  },
  CASTOFF_CLEANUP: {
    setBy: 'user',
    byDefault: 'background',
    doc: 'the option `cleanup`; `wait`: each test waits for its removals',
  },
  CASTOFF_KEEP: {
    setBy: 'user',
    byDefault: 'none',
    doc: 'the option `keep`; `failed`: keeps the resources of failed tests for an hour',
  },
  CASTOFF_IGNORE: {
    setBy: 'user',
    doc: 'the option `ignore`: patterns of resources that are not leaks, separated by commas',
  },
  CASTOFF_REPORT_FILE: { setBy: 'user', doc: 'the option `reportFile`: the file for the report as JSON' },
  CASTOFF_HISTORY: {
    setBy: 'user',
    byDefault: 'node_modules/.cache/castoff',
    doc: 'the folder for the [history of durations](deadlines.md#history); `off`: keeps none',
  },
  CASTOFF_SNAPSHOT: {
    setBy: 'user',
    doc: 'the folder for [snapshots](snapshots.md) of the processes of a session or run',
  },
  CASTOFF_REAPER_SOCKET: { setBy: 'castoff', doc: 'the socket of a reaper that runs as a process' },
  CASTOFF_RELAY: { setBy: 'castoff', doc: 'the relay of `castoff run`, and the engine behind it' },
  CASTOFF_RUN: { setBy: 'castoff', doc: 'the address at which workers join the run' },
  CASTOFF_RUN_CONFIG: { setBy: 'castoff', doc: 'the options of the run, for its workers' },

  DOCKER_HOST: { setBy: 'user', doc: "the engine's address, as for `docker`" },
  DOCKER_CONTEXT: {
    setBy: 'user',
    doc: 'the context of `docker` that has the address, without `DOCKER_HOST`',
  },
  DOCKER_CONFIG: { setBy: 'user', byDefault: '~/.docker', doc: "the folder of `docker`'s configuration" },
  DOCKER_TLS: { setBy: 'user', doc: 'not empty: connects to `DOCKER_HOST` by TLS' },
  DOCKER_TLS_VERIFY: { setBy: 'user', doc: "not empty: also verifies the engine's certificate" },
  DOCKER_CERT_PATH: {
    setBy: 'user',
    doc: 'the folder of the certificates; by default that of `DOCKER_CONFIG`',
  },
  COMPOSE_PROJECT_NAME: { setBy: 'user', doc: 'the project of a Compose command, as for Compose' },
  COMPOSE_FILE: { setBy: 'user', doc: 'the files of a Compose command, as for Compose' },
  COMPOSE_ENV_FILES: { setBy: 'user', doc: 'the files of variables of a Compose command, as for Compose' },
  COMPOSE_PATH_SEPARATOR: { setBy: 'user', doc: 'separates the paths in `COMPOSE_FILE`, as for Compose' },
  TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE: {
    setBy: 'user',
    doc: "the path of the engine's socket on the engine's host, which is mounted into the reaper's container",
  },
  TESTCONTAINERS_RYUK_DISABLED: {
    setBy: 'user',
    doc: "turns off Testcontainers' own reaper; by default `true` in the processes that castoff covers",
  },

  XDG_RUNTIME_DIR: { setBy: 'user', doc: "the folder for castoff's journals, logs and sockets" },
  TMPDIR: { setBy: 'user', byDefault: '/tmp', doc: 'the folder for these without `XDG_RUNTIME_DIR`' },

  FORCE_COLOR: { setBy: 'user', doc: '`0` or `false`: prints no colours; else prints colours to files, too' },
  NO_COLOR: { setBy: 'user', doc: 'prints no colours' },
  NODE_DEBUG: { setBy: 'user', doc: '`castoff`: prints what castoff does about its reaper' },
  VITEST: { setBy: 'runner', doc: '`true` in the processes of Vitest' },
  VITEST_WORKER_ID: { setBy: 'runner', doc: 'the number of a worker of Vitest' },
  CI: { setBy: 'ci', doc: 'not empty: also reports that a run created nothing' },
  GITHUB_ACTIONS: { setBy: 'ci', doc: '`true`: prints leaks as annotations' },
  GITHUB_WORKSPACE: { setBy: 'ci', doc: 'the folder that paths of annotations are relative to' },
  GITHUB_RUN_ID: ciRunId,
  CI_PIPELINE_ID: ciRunId,
  BUILDKITE_BUILD_ID: ciRunId,
  CIRCLE_WORKFLOW_ID: ciRunId,
  BUILD_TAG: ciRunId,

  PATH: { setBy: 'system', doc: 'where commands are found' },
  HOME: { setBy: 'system', doc: "the folder of the user's configuration" },
  SSH_AUTH_SOCK: { setBy: 'system', doc: 'the agent that logs in to engines over ssh' },
  SystemRoot: { setBy: 'system', doc: 'needed by processes on Windows, as are those below' },
  USERPROFILE: { setBy: 'system', doc: "the user's folder" },
  APPDATA: { setBy: 'system', doc: "the folder of the user's configuration" },
  LOCALAPPDATA: { setBy: 'system', doc: "the folder of the user's configuration on this machine" },
  TEMP: { setBy: 'system', doc: 'the temporary folder' },
  TMP: { setBy: 'system', doc: 'the temporary folder' },
} as const satisfies Readonly<Record<string, Variable>>;

/** The name of one of {@link environmentVariables}. */
export type VariableName = keyof typeof environmentVariables;

/** The variables of a process that castoff may read. */
export type Environment = { readonly [Name in VariableName]?: string | undefined };

/** Returns the value of a variable; `undefined` when it is empty or unset. Default: of this process. */
export function readVariable(name: VariableName, environment: Environment = process.env): string | undefined {
  return environment[name] || undefined;
}

/** Sets a variable for this process and those that it starts; `undefined` removes it. */
export function setVariable(name: VariableName, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
