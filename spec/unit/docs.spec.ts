import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { environmentVariables } from '../../lib/core/environment';
import { errorCodes } from '../../lib/core/errors';
import type { Variable } from '../../lib/core/variable';
import { warnings } from '../../lib/core/warnings';
import { reaperVariables } from '../../lib/reaper/daemon/settings';
import { runOptions } from '../../lib/runner/options';
import { codeBlocks, manual, markedBlocks, readPage, root } from '../support/docs';

const contributing = '.github/CONTRIBUTING.md';
const pages = [...manual, contributing, 'CHANGELOG.md'];
const docs = manual.filter((page) => page.startsWith('docs/'));

const code = ['lib', 'docker', 'spec', '.ci', 'package.json'].map((path) => [path, readAll(path)] as const);
const codeIn = (...folders: readonly string[]): string =>
  code.flatMap(([path, text]) => (folders.includes(path) ? [text] : [])).join('\n');

function readAll(path: string): string {
  const whole = join(root, path);
  if (statSync(whole).isFile()) return readFileSync(whole, 'utf8');
  const names = readdirSync(whole, { withFileTypes: true }).filter(
    ({ name }) => !/^node_modules$|\.spec\.ts$/.test(name),
  );
  return names
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map(({ name }) => readAll(join(path, name)))
    .join('\n');
}

/** The text of a page without its code blocks. */
const prose = (page: string): string => readPage(page).replaceAll(/^```[\s\S]*?^```$/gm, '');

/** As GitHub makes a heading's anchor. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

const anchorsOf = (page: string): readonly string[] =>
  [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));

describe.each(pages)('%s', (page) => {
  it('has only internal links that lead somewhere', () => {
    const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    const broken = links.filter((link) => {
      if (/^[a-z]+:/.test(link)) return false;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(target).includes(anchor);
    });
    expect(broken).toEqual([]);
  });

  it('names no environment variable, warning or error code that the code does not have', () => {
    const names = new Set(readPage(page).match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g));
    const others = page === contributing ? codeIn('docker', 'spec', '.ci', 'package.json') : '';
    expect([...names].filter((name) => !knownNames.has(name) && !others.includes(name))).toEqual([]);
  });
});

const reaperSettings = Object.values(reaperVariables) as readonly Variable<unknown>[];
/** Variables that clients of Ryuk, Node.js, or clients of the engine in the command of `castoff run` read. */
const variablesOfOthers = [
  'RYUK_CONTAINER_IMAGE',
  'TESTCONTAINERS_RYUK_CONTAINER_IMAGE',
  'NODE_OPTIONS',
  'TESTCONTAINERS_HOST_OVERRIDE',
  'BUILDX_BUILDER',
  'CONTAINER_HOST',
  'CONTAINER_CONNECTION',
];
const knownNames = new Set([
  ...Object.keys(environmentVariables),
  ...reaperSettings.map(({ variable }) => variable),
  ...Object.keys(errorCodes),
  ...Object.keys(warnings),
  ...variablesOfOthers,
]);
/** Flags of npm, Node, Jest, Docker and other programs that examples use. */
const flagsOfOthers =
  '--save-dev --all --filter --force --rm --volumes --detach --publish --verbose --forceExit --detectOpenHandles --context --disable-warning --remote'.split(
    ' ',
  );

describe('the manual', () => {
  it('has a README of 150 lines at most', () => {
    expect(readPage('README.md').split('\n').length).toBeLessThanOrEqual(151);
  });

  it('is linked from the README, every page of it', () => {
    const readme = readPage('README.md');
    expect(docs.filter((page) => !readme.includes(`](${page})`))).toEqual([]);
    expect(docs.length).toBeGreaterThan(5);
  });

  it('has no example in JavaScript or TypeScript that no spec runs', () => {
    const blocks = manual.flatMap((page) => codeBlocks(page));
    const examples = blocks.filter(({ language }) => /^([cm]?[jt]s|javascript|typescript)$/.test(language));
    const unmarked = examples.filter(({ mark }) => mark?.type !== 'run');
    expect(unmarked.map(({ page, line }) => `${page}:${line}`)).toEqual([]);
    expect(markedBlocks('run').size).toBe(examples.length);
  });

  it('names no flag that the CLI does not have', () => {
    const cli = codeIn('lib');
    const flags = new Set(manual.flatMap((page) => readPage(page).match(/(?<![\w-])--[a-z][\w-]*/gi) ?? []));
    const unknown = [...flags].filter((flag) => !cli.includes(`'${flag}`) && !flagsOfOthers.includes(flag));
    expect(unknown).toEqual([]);
  });

  it('documents every error code, option and variable', () => {
    const variables = [...reaperSettings, ...Object.values(runOptions)].map(({ variable }) => variable);
    const rows = (page: string): string =>
      prose(page)
        .match(/^\|.*$/gm)
        ?.join('\n') ?? '';
    expect(missingIn(rows('docs/errors.md'), Object.keys(errorCodes))).toEqual([]);
    expect(missingIn(rows('docs/jest.md'), Object.keys(runOptions))).toEqual([]);
    expect(missingIn(`${rows('docs/reaper.md')}${rows('docs/jest.md')}`, variables)).toEqual([]);
  });
});

it('docs/errors.md has the table of warnings that the code has', () => {
  const rows = [...prose('docs/errors.md').matchAll(/^\| *`(CASTOFF_\w+)` *\| *(.*?) *\| *(.*?) *\|$/gm)];
  const listed = rows.map(([, name = '', meaning = '', advice = '']) => [name, { meaning, advice }]);
  expect(Object.fromEntries(listed)).toEqual(warnings);
  expect(listed).toHaveLength(Object.keys(warnings).length);
});

describe('docs/environment.md', () => {
  const variables = new Map<string, Readonly<Record<'setBy' | 'byDefault' | 'doc', string>>>(
    Object.entries(environmentVariables).map(([name, row]) => [name, { byDefault: '', ...row }]),
  );

  it('has the variables of users and CI systems that the code has, with default and effect', () => {
    const rows = prose('docs/environment.md').matchAll(/^\| *`(\w+)` *\| *(.*?) *\| *(.*?) *\|$/gm);
    const listed = [...rows].map(([, name, byDefault, doc]) => [name, byDefault, doc]);
    const expected = [...variables]
      .filter(([, { setBy }]) => setBy === 'user' || setBy === 'ci')
      .map(([name, { byDefault, doc }]) => [name, byDefault === '' ? 'none' : `\`${byDefault}\``, doc]);
    expect(listed).toEqual(expected);
  });

  it('has the defaults of the options of a run and of the settings of a reaper', () => {
    const options = Object.values(runOptions).map(({ variable, byDefault }) => [
      variable,
      String(byDefault ?? ''),
    ]);
    const settings = reaperSettings
      .filter(({ variable }) => variables.get(variable)?.setBy === 'user')
      .map(({ variable, byDefault = '' }) => [variable, byDefault]);
    const defaults = Object.fromEntries([...options, ...settings]) as Readonly<Record<string, string>>;
    const names = Object.keys(defaults);
    expect(Object.fromEntries(names.map((name) => [name, variables.get(name)?.byDefault]))).toEqual(defaults);
    expect(names.length).toBe(13);
  });
});

function missingIn(text: string, names: readonly string[]): readonly string[] {
  return names.filter((name) => !text.includes(`\`${name}\``));
}

describe('CONTRIBUTING', () => {
  it('names no file or folder that does not exist', () => {
    const paths = prose(contributing).match(/(?<=`)(?:lib|spec|docker|docs|examples)\/[\w./-]*(?=`)/g) ?? [];
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(paths.length).toBeGreaterThan(20);
  });

  it('lists for each folder the imports that lint allows', () => {
    const rows = [...prose(contributing).matchAll(/^\| `lib\/([\w/-]+)` *\|[^|]*\| *([^|]*?) *\|$/gm)];
    const listed = rows.map(([, folder = '', imports = '']) => [folder, imports.split(', ').toSorted()]);
    expect(Object.fromEntries(listed)).toEqual({ ...allowedImports(), core: ['–'] });
  });
});

/** By folder of `lib`, the folders that lint lets it import from. */
function allowedImports(): Readonly<Record<string, readonly string[]>> {
  const config: LintConfig = JSON.parse(readPage('.oxlintrc.json').replaceAll(/^\s*\/\/.*$/gm, ''));
  const entries = config.overrides.flatMap(({ files, rules }) => {
    const folder = /^lib\/([\w/-]+)\/\*\*$/.exec(files[0] ?? '')?.[1];
    const groups = rules['no-restricted-imports']?.[1].patterns.flatMap(({ group }) => group) ?? [];
    const allowed = groups.flatMap((glob) => {
      const target = /^!((?:\.\.\/)+[\w/-]+)\/\*\*$/.exec(glob)?.[1];
      return target === undefined || folder === undefined ? [] : [posix.join(folder, target)];
    });
    return folder === undefined || groups.length === 0 ? [] : [[folder, allowed.toSorted()] as const];
  });
  return Object.fromEntries(entries);
}

interface LintConfig {
  readonly overrides: readonly {
    readonly files: readonly string[];
    readonly rules: {
      readonly 'no-restricted-imports'?: readonly [
        string,
        { readonly patterns: readonly { readonly group: readonly string[] }[] },
      ];
    };
  }[];
}
