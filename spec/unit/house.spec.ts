import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { scripts } from '../../package.json';
import longest from '../support/longest.json';

const lib = join(__dirname, '../../lib');
const spec = join(__dirname, '..');
const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

/** The text of a file without its comments. */
const codeOf = (file: string): string =>
  readFileSync(join(lib, file), 'utf8').replaceAll(/^ *(\/\*\*|\*|\/\/).*$/gm, '');

// .oxlintrc.json has the one-way order of imports, and the folders that may import dockerode.
describe('lib', () => {
  it('has files', () => {
    expect(files).toContain('index.ts');
  });

  it('re-exports in its public entries alone', () => {
    const barrels = files.filter((file) =>
      /^export (type )?(\*|\{[^}]*\}).* from '/m.test(readFileSync(join(lib, file), 'utf8')),
    );
    expect(barrels).toEqual(['index.ts', 'jest.ts', 'vitest.ts']);
  });

  it('has label keys in core/labels.ts alone', () => {
    const key = /(?<!Symbol\.for\()['"`](castoff\.[a-z]|com\.docker\.|org\.testcontainers)/;
    expect(files.filter((file) => key.test(codeOf(file)))).toEqual(['core/labels.ts']);
  });

  it('reads single environment variables through core/environment.ts alone', () => {
    const read = /\bprocess\.env(\[|\.|;)|\benv(ironment)?\['/;
    expect(files.filter((file) => read.test(codeOf(file)))).toEqual(['core/environment.ts']);
  });

  it('has each process-wide state once, and lists no other', () => {
    const listed = codeOf('core/global-state.ts').matchAll(/^ *\| '([^']+)'/gm);
    const used = files.flatMap((file) => [...codeOf(file).matchAll(/processWide\(\s*'([^']+)'/g)]);
    const names = (matches: Iterable<RegExpMatchArray>): string[] =>
      [...matches].map(([, name = '']) => name).toSorted();
    expect(names(used)).toEqual(names(listed));
  });

  it('has no file with a catch-all name', () => {
    const names = files.map((file) => basename(file, '.ts'));
    expect(
      names.filter((name) => /\b(utils?|helpers?|common|types|misc|manager|handler)\b/.test(name)),
    ).toEqual([]);
  });
});

describe('the list of the longest spec files', () => {
  it('has only files that exist', () => {
    expect(longest.filter((name) => !existsSync(join(spec, `${name}.spec.ts`)))).toEqual([]);
    expect(longest.length).toBeGreaterThan(30);
  });
});

describe('npm run test:long', () => {
  it('has every spec file that runs a sample otherwise', () => {
    const specs = ['engine', 'jest', 'package', 'reaper', 'unit'].flatMap((folder) =>
      readdirSync(join(spec, folder)).flatMap((name) =>
        name.endsWith('.spec.ts') ? [`${folder}/${name}`] : [],
      ),
    );
    const sampled = specs.filter((file) =>
      /import \{ isLong \}/.test(readFileSync(join(spec, file), 'utf8')),
    );
    const listed = scripts['test:long'].split(' ').filter((word) => word.endsWith('.spec.ts'));
    expect(listed.toSorted()).toEqual(sampled.map((file) => `spec/${file}`).toSorted());
    expect(listed.length).toBeGreaterThan(10);
  });
});
