import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from '@swc/core';
import { describe, expect, it } from '@jest/globals';
import { runJudged } from '../support/judged-jest';
import { isLong } from '../support/spec-size';
import { otherVersion } from '../support/other-versions';

const folder = join(__dirname, '../fixtures/jest/lines');
const transformers = otherVersion('transformers');

interface Form {
  /** The transformer of Jest for TypeScript, as in its `transform`. */
  readonly transform?: unknown;
  readonly files?: Readonly<Record<string, string>>;
  /** Whether its async functions are compiled to generators, which have no frames after an `await`. */
  readonly isOld?: boolean;
}

const swc = (sourceMaps: string | boolean): unknown => ['<rootDir>/transformer.cjs', { sourceMaps }];
const babel = (node: string): unknown => [
  `${transformers}/babel-jest`,
  {
    presets: [
      [`${transformers}/@babel/preset-env`, { targets: { node } }],
      `${transformers}/@babel/preset-typescript`,
    ],
  },
];
const tsJest = (target: string, isolatedModules: boolean): unknown => [
  `${transformers}/ts-jest`,
  { diagnostics: false, tsconfig: { target, module: 'commonjs', isolatedModules } },
];

const sample: Readonly<Record<string, Form>> = {
  'compiled before, with maps in files': { files: compiledFiles() },
};

const long: Readonly<Record<string, Form>> = {
  ...sample,
  'swc, with maps beside the code': { transform: swc(true) },
  'swc, with maps in the code': { transform: swc('inline') },
};

const installed: Readonly<Record<string, Form>> = {
  'babel-jest with preset-typescript': { transform: babel('22') },
  'babel-jest with preset-typescript, for old engines': { transform: babel('6'), isOld: true },
  'ts-jest, file by file': { transform: tsJest('es2022', true) },
  'ts-jest, as a program': { transform: tsJest('es2022', false) },
  'ts-jest, for old engines': { transform: tsJest('es2015', true), isOld: true },
};

const forms = transformers === undefined ? (isLong ? long : sample) : { ...long, ...installed };

function compiledFiles(): Record<string, string> {
  const names = ['helper', 'lines.test'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const { code, map = '' } = transformSync(readFileSync(join(folder, `${name}.ts`), 'utf8'), {
        filename: `${name}.ts`,
        sourceFileName: `../${name}.ts`,
        sourceMaps: true,
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'commonjs' },
      });
      return [
        [`build/${name}.js`, `${code}\n//# sourceMappingURL=${name}.js.map\n`],
        [`build/${name}.js.map`, map],
      ];
    }),
  );
}

function configOf({ transform }: Form): string {
  const config = {
    testMatch: [transform === undefined ? '<rootDir>/build/*.test.js' : '<rootDir>/*.test.ts'],
    transform: transform === undefined ? {} : { '\\.ts$': transform },
    testTimeout: 60_000,
  };
  return `module.exports = require('castoff/jest-preset').withCastoff(${JSON.stringify(config)});\n`;
}

/** The lines that open a handle, marked by a comment; in old JavaScript, the async helper has its own. */
function expectedLines({ isOld = false }: Form): readonly string[] {
  return ['helper.ts', 'lines.test.ts'].flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .flatMap((line, index) => {
        const isHelper = line.includes("// the helper's own line");
        const isOpened = line.includes('// opens: here') && !(isOld && line.endsWith('by an async helper'));
        return isOpened || (isOld && isHelper) ? [`${file}:${index + 1}`] : [];
      }),
  );
}

describe('lines of handles in compiled files', () => {
  it.each(Object.entries(forms))(
    '%s: are those of the sources',
    async (_, form) => {
      const files = { ...form.files, 'jest.config.js': configOf(form) };
      const { verdict, stderr } = await runJudged('lines', { files, args: ['--forceExit'] });
      expect(stderr).toMatch(/Tests: +5 passed, 5 total/);
      const sources = verdict.handles.map(({ source }) => source ?? 'unknown');
      expect(sources.toSorted()).toEqual(expectedLines(form).toSorted());
    },
    240_000,
  );
});
