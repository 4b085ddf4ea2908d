import { delimiter } from 'node:path';
import { labelNames, ryukLabel } from '../core/labels';
import { readVariable, type VariableName } from '../core/environment';
import { removableKinds, type RemovableKind } from '../core/kinds';
import type { ProjectLocation } from '../resources/project-folder';
import { readFlags, type Flag } from './command-flags';
import { isDockerCommand, type CommandLine } from './launch';

/** The effect of a docker, podman or Compose command that creates, stops or removes resources. */
export type CommandMeaning =
  | {
      readonly type: 'create';
      readonly kind: RemovableKind;
      readonly name?: string | undefined;
      readonly hasFixedNameOrPort: boolean;
      readonly isAutoRemoved?: boolean | undefined;
      /** The index in the arguments at which flags can be inserted. */
      readonly flagsAt: number;
      /** Names of the labels that the command itself sets. */
      readonly ownLabels: readonly string[];
    }
  | { readonly type: 'up' | 'down'; readonly project: string }
  /** The project takes its name from its folder or Compose file. */
  | { readonly type: 'up-unnamed' | 'down-unnamed'; readonly at: ProjectLocation }
  | {
      readonly type: 'remove';
      /** Set when the resources are containers. */
      readonly teardown?: ContainerTeardown | undefined;
    };

/** The effect of a command that creates a resource with flags of its own. */
export type Creation = Extract<CommandMeaning, { type: 'create' }>;

/** The containers that a command stops, kills or removes. */
interface ContainerTeardown {
  readonly verb: 'stop' | 'kill' | 'remove';
  readonly refs: readonly string[];
  /** Whether a removal includes the anonymous volumes. */
  readonly removesVolumes: boolean;
  /** Default: the engine's. */
  readonly graceMs?: number | undefined;
}

const flagSet = (text: string): ReadonlySet<string> => new Set(text.split(' '));
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

/**
 * Parses a docker, podman or Compose command line. Returns `undefined` for commands that neither create nor
 * remove resources, and for those that select another engine than the environment.
 */
export function meaningOfCommand(line: CommandLine): CommandMeaning | undefined {
  if (!isDockerCommand(line.file)) return undefined;
  const args = line.args.slice(1);
  if (/docker-compose(\.exe)?$/i.test(line.file)) return composeMeaning(args, line.env);
  const { flags, restAt } = readFlags(args, globalSwitches);
  if (flags.some(({ name }) => engineFlags.has(name))) return undefined;
  const rest = args.slice(restAt);
  if (rest[0] === 'compose') return composeMeaning(rest.slice(1), line.env);
  const isGrouped = [...removableKinds, 'builder', 'buildx'].includes(rest[0] ?? '');
  const [group, verb = ''] = isGrouped ? rest : ['', rest[0]];
  const flagsAt = 1 + restAt + (isGrouped ? 2 : 1);
  if (['rm', 'remove', 'rmi', 'stop', 'kill', 'prune'].includes(verb))
    return { type: 'remove', teardown: teardownOf(group ?? '', verb, line.args.slice(flagsAt)) };
  return creation(group ?? '', verb, line.args, flagsAt);
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
  if (verb === 'build') return build(group, ownArgs, flagsAt);
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

/**
 * A build with a tag makes an image that is meant to stay; one that is exported makes none on the engine.
 * Unlike those of `run`, its flags may follow the path.
 */
function build(group: string, args: readonly string[], flagsAt: number): CommandMeaning | undefined {
  if (!['', 'image', 'builder', 'buildx'].includes(group)) return undefined;
  if (args.some((arg) => /^(?:--(?:tag|push|output|help)(?:=|$)|-[A-Za-z]*[toH])/.test(arg)))
    return undefined;
  const ownLabels = args.flatMap((arg, index) => {
    const label = arg === '--label' ? args[index + 1] : /^--label=(.*)/.exec(arg)?.[1];
    return label === undefined ? [] : [label.split('=')[0] ?? ''];
  });
  if (ownLabels.some(isReserved)) return undefined;
  return { type: 'create', kind: 'image', hasFixedNameOrPort: false, flagsAt, ownLabels };
}

function composeMeaning(args: readonly string[], env: CommandLine['env']): CommandMeaning | undefined {
  const { flags, restAt } = readFlags(args, composeSwitches);
  const project =
    valueOf(flags, '--project-name') ?? valueOf(flags, '-p') ?? readVariable('COMPOSE_PROJECT_NAME', env);
  if (flags.some(({ name }) => engineFlags.has(name))) return undefined;
  const verb = args[restAt] ?? '';
  const type = ['up', 'create', 'run', 'start'].includes(verb) ? 'up' : verb === 'down' ? 'down' : undefined;
  if (type === undefined) return undefined;
  if (project) return { type, project };
  return { type: `${type}-unnamed`, at: projectLocation(flags, env) };
}

/** @see docker compose, `--project-directory`, `--file`, COMPOSE_FILE, COMPOSE_PATH_SEPARATOR */
function projectLocation(flags: readonly Flag[], env: CommandLine['env']): ProjectLocation {
  const separator = readVariable('COMPOSE_PATH_SEPARATOR', env) ?? delimiter;
  const file = flags.find(({ name }) => name === '-f' || name === '--file')?.value;
  return {
    directory: valueOf(flags, '--project-directory') ?? valueOf(flags, '--workdir'),
    file: file ?? (readVariable('COMPOSE_FILE', env)?.split(separator)[0] || undefined),
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

/**
 * Whether the environment of a command selects another engine than that of this process. Without HOME, docker
 * looks up the user's home folder.
 */
export function isForAnotherEngine(env: CommandLine['env']): boolean {
  const isOther = (name: VariableName): boolean => readVariable(name, env) !== readVariable(name);
  return (
    (['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG'] as const).some(isOther) ||
    (readVariable('HOME', env) !== undefined && isOther('HOME'))
  );
}

function labelsIn(flags: readonly Flag[]): readonly string[] {
  return flags
    .filter(({ name }) => ['-l', '--label'].includes(name))
    .map(({ value = '' }) => value.split('=')[0] ?? '');
}

function isReserved(label: string): boolean {
  return label === labelNames.session || label === ryukLabel || label === labelNames.reaper;
}
