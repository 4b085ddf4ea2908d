import { delimiter } from 'node:path';
import { labelNames, ryukLabel } from '../core/labels';
import type { RemovableKind } from '../engine/removable-kind';
import type { ProjectLocation } from '../resources/project-folder';
import { readFlags, type Flag } from './command-flags';
import { isDockerCommand } from './is-docker-command';
import { isFixedPort } from './fixed-name-or-port';

/** What a docker, podman or Compose command does, as far as it makes things or removes them. */
export type CommandMeaning =
  | {
      readonly type: 'create';
      readonly kind: RemovableKind;
      readonly name?: string | undefined;
      readonly hasFixedNameOrPort: boolean;
      readonly isAutoRemoved?: boolean | undefined;
      /** Where in the arguments more flags may be put. */
      readonly flagsAt: number;
    }
  | { readonly type: 'up' | 'down'; readonly project: string }
  /** The project has its name from its folder or its file. */
  | { readonly type: 'up-unnamed' | 'down-unnamed'; readonly at: ProjectLocation }
  | {
      readonly type: 'remove';
      /** The containers that it stops, kills or removes. */
      readonly ending?: EndingCommand | undefined;
    };

export interface EndingCommand {
  readonly verb: 'stop' | 'kill' | 'remove';
  readonly refs: readonly string[];
  /** Whether a removal takes the anonymous volumes along. */
  readonly removesVolumes: boolean;
  /** `undefined`: the engine's own. */
  readonly graceMs?: number | undefined;
}

export interface CommandLine {
  readonly file: string;
  /** With the command's own name in front. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: where this process is. */
  readonly cwd?: string | undefined;
}

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));
const globalSwitches = words(
  '-D --debug --tls --tlsverify -v --version -h --help -r --remote --noout --syslog --trace',
);
const composeSwitches = words(
  '--all-resources --compatibility --dry-run --verbose --no-ansi --skip-hostname-check --tls --tlsverify -v --version -h --help',
);
const runSwitches = words(
  '-d --detach -i --interactive -t --tty -P --publish-all -q --quiet --rm --init --privileged --read-only --no-healthcheck --oom-kill-disable --no-hosts --replace --tls-verify --help',
);
const endSwitches = words('-f --force -l --link -v --volumes -a --all --help');
const networkSwitches = words(
  '--attachable --config-only --ingress --internal --ipv6 --disable-dns --ignore --help',
);
/** These lead to an engine that is not the one that the environment names. */
const elsewhere = words('-H --host -c --context --config --connection --url');

/**
 * What a command line asks for; `undefined`: something else, or it goes to another engine than the environment names.
 */
export function meaningOfCommand(line: CommandLine): CommandMeaning | undefined {
  if (!isDockerCommand(line.file)) return undefined;
  const args = line.args.slice(1);
  if (/docker-compose(\.exe)?$/i.test(line.file)) return composeMeaning(args, line.env);
  const { flags, restAt } = readFlags(args, globalSwitches);
  if (flags.some(({ name }) => elsewhere.has(name))) return undefined;
  const rest = args.slice(restAt);
  if (rest[0] === 'compose') return composeMeaning(rest.slice(1), line.env);
  const isGrouped = ['container', 'network', 'volume', 'image'].includes(rest[0] ?? '');
  const [group, verb = ''] = isGrouped ? rest : ['', rest[0]];
  const flagsAt = 1 + restAt + (isGrouped ? 2 : 1);
  if (['rm', 'remove', 'rmi', 'stop', 'kill', 'prune'].includes(verb))
    return { type: 'remove', ending: endingOf(group ?? '', verb, line.args.slice(flagsAt)) };
  return creation(group ?? '', verb, line.args, flagsAt);
}

function endingOf(group: string, verb: string, given: readonly string[]): EndingCommand | undefined {
  const ending = verb === 'rm' ? 'remove' : verb;
  if (group !== '' && group !== 'container') return undefined;
  if (ending !== 'stop' && ending !== 'kill' && ending !== 'remove') return undefined;
  const { flags, restAt } = readFlags(given, endSwitches);
  const seconds = flags.find(({ name }) => ['-t', '--time', '--timeout'].includes(name))?.value;
  return {
    verb: ending,
    refs: given.slice(restAt),
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
  const given = args.slice(flagsAt);
  if ((group === '' || group === 'container') && (verb === 'run' || verb === 'create')) {
    const { flags } = readFlags(given, runSwitches);
    const name = valueOf(flags, '--name');
    const hasFixedNameOrPort = name !== undefined || flags.some(takesHostPort);
    const isAutoRemoved = flags.some((flag) => flag.name === '--rm' && flag.value !== 'false');
    if (hasReservedLabel(flags)) return undefined;
    return { type: 'create', kind: 'container', name, hasFixedNameOrPort, isAutoRemoved, flagsAt };
  }
  if (verb !== 'create' || (group !== 'network' && group !== 'volume')) return undefined;
  const { flags, restAt } = readFlags(
    given,
    group === 'network' ? networkSwitches : words('--ignore --help'),
  );
  const name = given[restAt] ?? valueOf(flags, '--name');
  return hasReservedLabel(flags)
    ? undefined
    : { type: 'create', kind: group, name, hasFixedNameOrPort: false, flagsAt };
}

function composeMeaning(args: readonly string[], env: CommandLine['env']): CommandMeaning | undefined {
  const { flags, restAt } = readFlags(args, composeSwitches);
  const project = valueOf(flags, '--project-name') ?? valueOf(flags, '-p') ?? env['COMPOSE_PROJECT_NAME'];
  if (flags.some(({ name }) => elsewhere.has(name))) return undefined;
  const verb = args[restAt] ?? '';
  const type = ['up', 'create', 'run', 'start'].includes(verb) ? 'up' : verb === 'down' ? 'down' : undefined;
  if (type === undefined) return undefined;
  if (project) return { type, project };
  return { type: `${type}-unnamed`, at: projectPlace(flags, env) };
}

/** @see docker compose, `--project-directory`, `--file`, COMPOSE_FILE, COMPOSE_PATH_SEPARATOR */
function projectPlace(flags: readonly Flag[], env: CommandLine['env']): ProjectLocation {
  const separator = env['COMPOSE_PATH_SEPARATOR'] || delimiter;
  const file = flags.find(({ name }) => name === '-f' || name === '--file')?.value;
  return {
    directory: valueOf(flags, '--project-directory') ?? valueOf(flags, '--workdir'),
    file: file ?? (env['COMPOSE_FILE']?.split(separator)[0] || undefined),
  };
}

function valueOf(flags: readonly Flag[], name: string): string | undefined {
  return flags.findLast((flag) => flag.name === name)?.value;
}

/** `-p 8080:80`, `-p 127.0.0.1:8080:80/tcp`, `--publish published=8080,target=80`, `--network host`; `-p 80` is any port that is free. */
function takesHostPort({ name, value = '' }: Flag): boolean {
  if (['--network', '--net'].includes(name)) return value === 'host';
  if (!['-p', '--publish'].includes(name)) return false;
  const published = /\bpublished=([^,]*)/.exec(value)?.[1] ?? value.split(':').at(-2);
  return /^[\d-]+$/.test(published ?? '') && isFixedPort(published);
}

function hasReservedLabel(flags: readonly Flag[]): boolean {
  const labels = flags
    .filter(({ name }) => ['-l', '--label'].includes(name))
    .map(({ value = '' }) => value.split('=')[0]);
  return labels.some(
    (label) => label === labelNames.session || label === ryukLabel || label === labelNames.reaper,
  );
}
