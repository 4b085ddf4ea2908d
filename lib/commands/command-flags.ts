/** One flag of a command line, and its value where it has one. */
export interface Flag {
  readonly name: string;
  readonly value?: string | undefined;
}

/**
 * Parses the flags at the start of `args`, in docker's syntax: `--name web`, `--name=web`, `-p 80:80`,
 * `-p80:80`, `-dp 80:80`. Returns them with the index of the first positional argument.
 *
 * @param switches - The flags that take no value.
 */
export function readFlags(
  args: readonly string[],
  switches: ReadonlySet<string>,
): { readonly flags: readonly Flag[]; readonly restAt: number } {
  const flags: Flag[] = [];
  let at = 0;
  for (;;) {
    const arg = args[at];
    if (arg === '--') return { flags, restAt: at + 1 };
    if (arg === undefined || !/^-./.test(arg)) return { flags, restAt: at };
    at += 1;
    const found = arg.startsWith('--') ? longFlag(arg) : shortFlags(arg, switches);
    const last = found.at(-1);
    flags.push(...found.slice(0, -1));
    if (last === undefined) continue;
    const isComplete = last.value !== undefined || switches.has(last.name);
    flags.push(isComplete ? last : { ...last, value: args[at] });
    if (!isComplete) at += 1;
  }
}

function longFlag(arg: string): readonly Flag[] {
  const at = arg.indexOf('=');
  return at === -1 ? [{ name: arg }] : [{ name: arg.slice(0, at), value: arg.slice(at + 1) }];
}

/** `-dit`, `-dp80:80`, `-e=A=b`: switches, then possibly one flag with a value. */
function shortFlags(arg: string, switches: ReadonlySet<string>): readonly Flag[] {
  const flags: Flag[] = [];
  for (let at = 1; at < arg.length; at += 1) {
    const name = `-${arg[at]}`;
    const rest = arg.slice(at + 1).replace(/^=/, '');
    const isSwitch = switches.has(name) && !arg.slice(at + 1).startsWith('=');
    flags.push(isSwitch || rest === '' ? { name } : { name, value: rest });
    if (!isSwitch) break;
  }
  return flags;
}

/** Returns the flags in a text that separates them by spaces. */
export function flagSet(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}
