import { describe, expect, it } from '@jest/globals';
import { judgePrograms, listPrograms, runPrograms, type Judgement, type Program } from '../support/defects';
import { otherNodes } from '../support/other-versions';
import { isLong } from '../support/spec-size';
import type { JestRunOptions } from '../support/jest-run';

const [open, clean, setup] = [listPrograms('open'), listPrograms('clean'), listPrograms('setup')];

/** Names of programs for a short run: each kind, and each kind of owner, with a clean one that is near to it. */
const sample = new RegExp(
  [
    'open/(immediate-loop|interval-package|interval-concurrent|timeout-promise|server-host|connection-pool',
    'request-stream|udp|child-detached|watch-recursive|worker-waits|message-port|readline|interval-describe-body)\\.',
    'clean/(interval-cleared-after-all|interval-fake|timeout-late|timeout-abort-signal|server-keep-alive-closed',
    'connection-pool-ended|request-keep-alive|udp-closed|child-killed|watch-closed|worker-ends|message-port-closed',
    'readline-closed|server-scope|task-scope)\\.',
  ].join('|'),
);

interface Form {
  readonly name: string;
  readonly programs: readonly Program[];
  readonly options: JestRunOptions;
}

const isInSample = ({ file }: Program): boolean => sample.test(file);
const inSample: JestRunOptions = { args: ['--testPathPatterns', sample.source] };

/** A thread has a standard input of its own, which has ended. */
const inThreads = [...open, ...clean].filter(({ opened }) => opened?.kind !== 'standard input');

const short: readonly Form[] = [
  { name: 'in two workers', programs: [...open, ...clean].filter(isInSample), options: inSample },
  { name: 'with compiled files and a global setup', programs: setup, options: setupOptions() },
];

const long: readonly Form[] = [
  { name: 'in two workers', programs: [...open, ...clean], options: {} },
  { name: 'in band, compiled by Babel', programs: [...open, ...clean], options: inBandWithBabel() },
  { name: 'in Jest 29', programs: [...open, ...clean], options: { jest: '29' } },
  { name: 'in threads', programs: inThreads, options: { args: ['--workerThreads'] } },
  { name: 'with compiled files and a global setup', programs: setup, options: setupOptions() },
];

/** `npm run test:versions` runs all programs on each other Node.js. */
const versions: readonly Form[] = otherNodes.map(([name, node]) => ({
  name: `on ${name}`,
  programs: [...open, ...clean],
  options: { node },
}));
const forms = versions.length > 0 ? versions : isLong ? long : short;

function inBandWithBabel(): JestRunOptions {
  return { args: ['--config', 'default-transform.config.js', '--runInBand', '--forceExit'] };
}

function setupOptions(): JestRunOptions {
  return { args: ['--config', 'setup.config.js', '--forceExit'] };
}

describe.each(forms)('planted defects and clean look-alikes, $name', (form) => {
  it('differ in the report: it has each defect by kind, line and owner, and nothing else', async () => {
    const { name, programs, options } = form;
    const workers = options.args?.includes('--runInBand') === true ? [] : ['--maxWorkers=2'];
    const end = await runPrograms({ ...options, args: [...(options.args ?? []), ...workers] });
    const judgements = judgePrograms(programs, end.verdict.handles);
    if (forms !== short) printTable(name, judgements);
    const wrong = judgements.filter(({ isRight }) => !isRight);
    const defects = programs.filter(({ opened }) => opened !== undefined);
    expect(wrong).toEqual([]);
    expect(end.verdict.handles).toHaveLength(defects.length);
    // The tests themselves pass.
    expect(end.stderr).not.toMatch(/^Tests: .* failed/m);
    expect(end.exitCode).toBe(1);
    expect(end.stderr).toContain('LEAKS_FOUND');
  }, 300_000);
});

function printTable(name: string, judgements: readonly Judgement[]): void {
  const rows = judgements.map(({ file, opened, reported, isRight }) => [
    isRight ? '' : 'WRONG',
    opened === undefined ? file : opened.source,
    opened === undefined ? 'nothing' : `${opened.kind} in ${opened.owner}`,
    reported.map(({ kind, source, owner }) => `${kind} in ${owner} (${source})`).join(', ') || 'nothing',
  ]);
  const of = (isDefect: boolean): readonly Judgement[] =>
    judgements.filter(({ opened }) => (opened !== undefined) === isDefect);
  const right = (those: readonly Judgement[]): string =>
    `${those.filter(({ isRight }) => isRight).length} of ${those.length}`;
  const total = judgements.reduce((sum, { reported }) => sum + reported.length, 0);
  const named = of(true).filter(({ isRight }) => isRight).length;
  const text = rows.map((row) => row.join(' | ')).join('\n');
  process.stdout.write(
    `${name}\n${text}\ndefects named: ${right(of(true))}; clean programs silent: ${right(of(false))}; ` +
      `right rows: ${named} of ${total}\n\n`,
  );
}
