import { delimiter } from 'node:path';
import { readVariable } from '../core/environment';
import { removableKinds } from '../core/kinds';
import type { ProjectLocation } from '../resources/project-folder';
import { flagSet, readFlags, type Flag } from './command-flags';
import { isReserved, type CommandMeaning, type ContainerTeardown } from './command-meaning';
import { imageMeaning } from './image-command';
import { isDockerCommand, type CommandLine } from './launch';

const globalSwitches = flagSet(
  '-D --debug --tls --tlsverify -v --version -h --help -r --remote --noout --syslog --trace',
);
const composeSwitches = flagSet(
  '--all-resources --compatibility --dry-run --verbose --no-ansi --skip-hostname-check --tls --tlsverify -v --version -h --help',
);
const runSwitches = flagSet(
  '-d --detach -i --interactive -t --tty -P --publish-all -q --quiet --rm --init --privileged --read-only --no-healthcheck --oom-kill-disable --no-hosts --replace --tls-verify --help',
);
const teardownSwitches = flagSet('-f --force -l --link -v --volumes -a --all --help');
const networkSwitches = flagSet(
  '--attachable --config-only --ingress --internal --ipv6 --disable-dns --ignore --help',
);
/** Flags that select an engine other than that of the environment. */
const engineFlags = flagSet('-H --host -c --context --config --connection --url');

/** Returns the flags of a docker, podman or Compose command line that select its engine. */
export function engineFlagsOf({ file, args }: CommandLine): readonly Flag[] {
  const { flags } = readFlags(args.slice(1), isComposeCommand(file) ? composeSwitches : globalSwitches);
  return flags.filter(({ name }) => engineFlags.has(name));
}

/**
 * Parses a docker, podman or Compose command line, for any engine. Returns `undefined` for commands that
 * neither create nor remove resources.
 */
export function meaningOfCommand(line: CommandLine): CommandMeaning | undefined {
  if (!isDockerCommand(line.file)) return undefined;
  const args = line.args.slice(1);
  if (isComposeCommand(line.file)) return composeMeaning(args, line.env);
  const { restAt } = readFlags(args, globalSwitches);
  const rest = args.slice(restAt);
  if (rest[0] === 'compose') return composeMeaning(rest.slice(1), line.env);
  const isGrouped = [...removableKinds, 'builder', 'buildx'].includes(rest[0] ?? '');
  const [group, verb = ''] = isGrouped ? rest : ['', rest[0]];
  const flagsAt = 1 + restAt + (isGrouped ? 2 : 1);
  if (['rm', 'remove', 'rmi', 'stop', 'kill', 'prune'].includes(verb))
    return { type: 'remove', teardown: teardownOf(group ?? '', verb, line.args.slice(flagsAt)) };
  return creation(group ?? '', verb, line.args, flagsAt);
}

function isComposeCommand(file: string): boolean {
  return /docker-compose(\.exe)?$/i.test(file);
}

function teardownOf(group: string, command: string, args: readonly string[]): ContainerTeardown | undefined {
  const verb = command === 'rm' ? 'remove' : command;
  if (group !== '' && group !== 'container') return undefined;
  if (verb !== 'stop' && verb !== 'kill' && verb !== 'remove') return undefined;
  const { flags, restAt } = readFlags(args, teardownSwitches);
  const seconds = flags.find(({ name }) => ['-t', '--time', '--timeout'].includes(name))?.value;
  return {
    verb,
    refs: args.slice(restAt),
    removesVolumes: flags.some(({ name, value }) => ['-v', '--volumes'].includes(name) && value !== 'false'),
    graceMs: seconds === undefined ? undefined : Number(seconds) * 1_000,
  };
}

function creation(
  group: string,
  verb: string,
  args: readonly string[],
  flagsAt: number,
): CommandMeaning | undefined {
  const ownArgs = args.slice(flagsAt);
  if ((group === '' || group === 'container') && (verb === 'run' || verb === 'create')) {
    const { flags } = readFlags(ownArgs, runSwitches);
    const name = valueOf(flags, '--name');
    const hasFixedNameOrPort = name !== undefined || flags.some(takesHostPort);
    const isAutoRemoved = flags.some((flag) => flag.name === '--rm' && flag.value !== 'false');
    const ownLabels = labelsIn(flags);
    if (ownLabels.some(isReserved)) return undefined;
    return { type: 'create', kind: 'container', name, hasFixedNameOrPort, isAutoRemoved, flagsAt, ownLabels };
  }
  const ofImage = imageMeaning(group, verb, ownArgs, flagsAt);
  if (ofImage !== undefined) return ofImage;
  if (verb !== 'create' || (group !== 'network' && group !== 'volume')) return undefined;
  const { flags, restAt } = readFlags(
    ownArgs,
    group === 'network' ? networkSwitches : flagSet('--ignore --help'),
  );
  const name = ownArgs[restAt] ?? valueOf(flags, '--name');
  const ownLabels = labelsIn(flags);
  return ownLabels.some(isReserved)
    ? undefined
    : { type: 'create', kind: group, name, hasFixedNameOrPort: false, flagsAt, ownLabels };
}

function composeMeaning(args: readonly string[], env: CommandLine['env']): CommandMeaning | undefined {
  const { flags, restAt } = readFlags(args, composeSwitches);
  const project =
    valueOf(flags, '--project-name') ?? valueOf(flags, '-p') ?? readVariable('COMPOSE_PROJECT_NAME', env);
  const verb = args[restAt] ?? '';
  const type = ['up', 'create', 'run', 'start'].includes(verb) ? 'up' : verb === 'down' ? 'down' : undefined;
  if (type === undefined) return undefined;
  if (project) return { type, project };
  return { type: `${type}-unnamed`, at: projectLocation(flags, env) };
}

/** @see docker compose, `--project-directory`, `--file`, `--env-file`, COMPOSE_FILE, COMPOSE_PATH_SEPARATOR */
function projectLocation(flags: readonly Flag[], env: CommandLine['env']): ProjectLocation {
  const separator = readVariable('COMPOSE_PATH_SEPARATOR', env) ?? delimiter;
  const given = flags.flatMap(({ name, value }) => (name === '-f' || name === '--file' ? [value ?? ''] : []));
  const [file, ...more] =
    given.length > 0 ? given : (readVariable('COMPOSE_FILE', env)?.split(separator) ?? []);
  return {
    directory: valueOf(flags, '--project-directory') ?? valueOf(flags, '--workdir'),
    file: file || undefined,
    moreFiles: more.length > 0 ? more : undefined,
    hasEnvFile: flags.some(({ name }) => name === '--env-file') || undefined,
  };
}

function valueOf(flags: readonly Flag[], name: string): string | undefined {
  return flags.findLast((flag) => flag.name === name)?.value;
}

/**
 * True for `-p 8080:80`, `-p 127.0.0.1:8080:80/tcp`, `--publish published=8080,target=80` and
 * `--network host`; `-p 80` publishes on any free port.
 */
function takesHostPort({ name, value = '' }: Flag): boolean {
  if (['--network', '--net'].includes(name)) return value === 'host';
  if (!['-p', '--publish'].includes(name)) return false;
  const published = /\bpublished=([^,]*)/.exec(value)?.[1] ?? value.split(':').at(-2);
  return /^[\d-]+$/.test(published ?? '') && isFixedPort(published);
}

/** Whether a host port is a given port or range, rather than any free port. */
export function isFixedPort(port: unknown): boolean {
  return typeof port === 'string' && port !== '' && port !== '0';
}

function labelsIn(flags: readonly Flag[]): readonly string[] {
  return flags
    .filter(({ name }) => ['-l', '--label'].includes(name))
    .map(({ value = '' }) => value.split('=')[0] ?? '');
}
