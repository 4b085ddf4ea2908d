/** One flag of a command line, and its value where it has one. */
export interface Flag {
  readonly name: string;
  readonly value?: string | undefined;
}

/**
 * The flags at the beginning of `args`, and where the rest begins: the first word that is neither a flag nor the value of one. Every
 * flag has a value but those in `switches`, as with docker: `--name web`, `--name=web`, `-p 80:80`, `-p80:80`, `-dp 80:80`.
 */
export function readFlags(
  args: readonly string[],
  switches: ReadonlySet<string>,
): { readonly flags: readonly Flag[]; readonly restAt: number } {
  const flags: Flag[] = [];
  let at = 0;
  for (;;) {
    const word = args[at];
    if (word === '--') return { flags, restAt: at + 1 };
    if (word === undefined || !/^-./.test(word)) return { flags, restAt: at };
    at += 1;
    const found = word.startsWith('--') ? longFlag(word) : shortFlags(word, switches);
    const last = found.at(-1);
    flags.push(...found.slice(0, -1));
    if (last === undefined) continue;
    const isWhole = last.value !== undefined || switches.has(last.name);
    flags.push(isWhole ? last : { ...last, value: args[at] });
    if (!isWhole) at += 1;
  }
}

function longFlag(word: string): readonly Flag[] {
  const at = word.indexOf('=');
  return at === -1 ? [{ name: word }] : [{ name: word.slice(0, at), value: word.slice(at + 1) }];
}

/** `-dit`, `-dp80:80`, `-e=A=b`: switches, and then one that has a value, which may be the rest. */
function shortFlags(word: string, switches: ReadonlySet<string>): readonly Flag[] {
  const flags: Flag[] = [];
  for (let at = 1; at < word.length; at += 1) {
    const name = `-${word[at]}`;
    const rest = word.slice(at + 1).replace(/^=/, '');
    const isSwitch = switches.has(name) && !word.slice(at + 1).startsWith('=');
    flags.push(isSwitch || rest === '' ? { name } : { name, value: rest });
    if (!isSwitch) break;
  }
  return flags;
}
