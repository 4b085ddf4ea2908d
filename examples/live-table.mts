import type { Registry, RegistryEntry } from 'castoff';

const colours: Partial<Record<RegistryEntry['state'], number>> = {
  gone: 32,
  left: 31,
  cleaning: 33,
  present: 36,
};
const columns = [
  ['KIND', 10],
  ['NAME', 26],
  ['STATE', 11],
  ['OWNER', 24],
  ['HOW IT ENDED', 16],
] as const;

/** Shows a registry while it changes: in place on a terminal, a line for each change elsewhere. */
export function showLive(registry: Registry): void {
  const isTerminal = process.stdout.isTTY;
  let linesShown = 0;
  const draw = (): void => {
    const lines = [
      columns.map(([title, width]) => title.padEnd(width)).join(' '),
      ...registry.list().map(row),
    ];
    if (linesShown > 0) process.stdout.write(`\u001B[${linesShown}A`);
    for (const line of lines) process.stdout.write(`\u001B[2K${line}\n`);
    linesShown = lines.length;
  };
  registry.on('change', ({ entry, before }) => {
    if (isTerminal) draw();
    else if (before?.state !== entry.state) process.stdout.write(`${row(entry)}\n`);
  });
}

function row({ kind, id, name, key, state, owner, outcome }: RegistryEntry): string {
  const values = [
    kind,
    name ?? id?.slice(0, 26) ?? `(${key.slice(0, 8)})`,
    state,
    owner.source ?? '',
    outcome ?? '',
  ];
  const cells = values.map((value, column) =>
    value.slice(0, columns[column]?.[1]).padEnd(columns[column]?.[1] ?? 0),
  );
  if (process.stdout.isTTY) cells[2] = `\u001B[${colours[state] ?? 37}m${cells[2]}\u001B[0m`;
  return cells.join(' ').trimEnd();
}
