import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(__dirname, '../..');

/** The pages that users read, as paths from the root. */
export const manual: readonly string[] = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`)
    .toSorted(),
];

/** A fenced code block of a page. */
export interface CodeBlock {
  readonly page: string;
  /** The line of its opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** The comment above it: `<!-- run: name -->` for an example, `<!-- output: name -->` for what a run prints. */
  readonly mark?: { readonly type: string; readonly name: string } | undefined;
}

export function readPage(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** The fenced code blocks of `page`, in order. */
export function codeBlocks(page: string): readonly CodeBlock[] {
  const text = readPage(page);
  const fences = /(?:<!-- (run|output): ([\w-]+) -->\s*)?^```(\w*)\n([\s\S]*?)^```$/gm;
  return [...text.matchAll(fences)].map((match) => {
    const [whole, type, name, language = '', code = ''] = match;
    const line = text.slice(0, match.index + whole.indexOf('```')).split('\n').length;
    return { page, line, language, code, mark: type && name ? { type, name } : undefined };
  });
}

/** The marked blocks of README and docs that are examples, or outputs of examples. */
export function markedBlocks(type: 'run' | 'output'): ReadonlyMap<string, CodeBlock> {
  const blocks = manual.flatMap((page) => codeBlocks(page)).filter(({ mark }) => mark?.type === type);
  return new Map(blocks.map((block) => [block.mark?.name ?? '', block]));
}

/** The code under `<!-- run: name -->` (or `output`) in README or docs. */
export function docsBlock(name: string, type: 'run' | 'output' = 'run'): string {
  const block = markedBlocks(type).get(name);
  if (block === undefined) throw new Error(`neither README nor docs have a block marked "${type}: ${name}"`);
  return block.code;
}

/** The example as a test file: code without a test becomes the body of one, below its imports. */
export function asTestFile(code: string): string {
  if (/^test\(/m.test(code)) return code;
  const imports = /^import [^;]*;$/gm;
  return `${(code.match(imports) ?? []).join('\n')}\ntest('the example', async () => {${code.replaceAll(imports, '')}});\n`;
}

/** Jest's configuration for a folder of such files: TypeScript, and `castoff` as it was built. */
export function exampleConfig(): string {
  return JSON.stringify({
    testEnvironment: 'node',
    testSequencer: join(__dirname, 'memory-first.cjs'),
    transform: {
      '\\.ts$': [
        require.resolve('@swc/jest'),
        { jsc: { target: 'es2024', parser: { syntax: 'typescript' } } },
      ],
    },
    moduleNameMapper: {
      '^castoff$': join(root, 'dist/index.js'),
      '^castoff/reaper$': join(root, 'dist/reaper.js'),
      '^testcontainers$': require.resolve('testcontainers'),
    },
  });
}
