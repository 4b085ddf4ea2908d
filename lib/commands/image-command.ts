import { flagSet, readFlags } from './command-flags';
import { isReserved, type CommandMeaning } from './command-meaning';

type Creation = Extract<CommandMeaning, { type: 'create' }>;

const importSwitches = flagSet('-q --quiet --help');
const commitSwitches = flagSet('-p --pause -q --quiet -s --squash --include-volumes --help');

/**
 * Parses a command that creates an image or gives names to one: `build`, `import`, `commit`, `tag`. Returns
 * `undefined` for others: a pulled or loaded image comes from elsewhere, and stays.
 *
 * @param args - The arguments after the command.
 * @param flagsAt - Their index in all arguments.
 * @see docker and podman: `build`, `buildx build`, `import`, `commit`, `tag`
 */
export function imageMeaning(
  group: string,
  verb: string,
  args: readonly string[],
  flagsAt: number,
): CommandMeaning | undefined {
  const isOfImage = group === '' || group === 'image';
  if (verb === 'build' && (isOfImage || group === 'builder' || group === 'buildx'))
    return build(args, flagsAt);
  if (verb === 'import' && isOfImage) return fromChanges(args, flagsAt, importSwitches);
  if (verb === 'commit' && (group === '' || group === 'container'))
    return fromChanges(args, flagsAt, commitSwitches);
  if (verb !== 'tag' || !isOfImage) return undefined;
  const names = args.slice(readFlags(args, importSwitches).restAt + 1);
  return names.length === 0 ? undefined : { type: 'tag', names };
}

/** A build that is exported makes no image on the engine. Unlike those of `run`, its flags may follow the path. */
function build(args: readonly string[], flagsAt: number): Creation | undefined {
  if (args.some((arg) => /^(?:--(?:push|output|help)(?:=|$)|-[A-Za-z]*[oH])/.test(arg))) return undefined;
  const tags = valuesOf(args, /^(?:--tag|-q?t)(?:=(.*))?$|^-q?t(.+)$/);
  // Such as the `t` in `-ftest`, which may be one of any flag.
  if (args.filter((arg) => /^(?:--tag(?:=|$)|-[A-Za-z]*t)/.test(arg)).length > tags.length) return undefined;
  const ownLabels = valuesOf(args, /^--label(?:=(.*))?$/).map((label) => label.split('=')[0] ?? '');
  if (ownLabels.some(isReserved)) return undefined;
  return { type: 'create', kind: 'image', tags, hasFixedNameOrPort: false, flagsAt, ownLabels };
}

function fromChanges(
  args: readonly string[],
  flagsAt: number,
  switches: ReadonlySet<string>,
): Creation | undefined {
  const { flags, restAt } = readFlags(args, switches);
  const instructions = flags.filter(({ name }) => name === '-c' || name === '--change');
  if (instructions.some(({ value = '' }) => /castoff\.(?:session|reaper)/.test(value))) return undefined;
  const hasMessage = flags.some(({ name }) => name === '-m' || name === '--message');
  const name = args[restAt + 1];
  return {
    type: 'create',
    kind: 'image',
    tags: name === undefined ? [] : [name],
    hasFixedNameOrPort: false,
    flagsAt,
    ownLabels: [],
    changes: { hasMessage },
  };
}

/** Returns the values of a flag, each in the same argument, or in the next one. */
function valuesOf(args: readonly string[], flag: RegExp): readonly string[] {
  return args.flatMap((arg, index) => {
    const found = flag.exec(arg);
    if (found === null) return [];
    const value = found[1] ?? found[2] ?? args[index + 1];
    return value === undefined ? [] : [value];
  });
}
