import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');

/** The code under `<!-- run: name -->` in the README. */
export function readmeExample(name: string): string {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const code = new RegExp(`<!-- run: ${name} -->\\s*\`\`\`[jt]s\\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1];
  if (code === undefined) throw new Error(`the README has no example called ${name}`);
  return code;
}

/** The example as a test file: one that is no test itself becomes the body of one, below its imports. */
export function asTestFile(code: string): string {
  if (/^test\(/m.test(code)) return code;
  const [imports, body] = [code.match(/^import .*$/gm) ?? [], code.replaceAll(/^import .*$/gm, '')];
  return `${imports.join('\n')}\ntest('the example', async () => {${body}});\n`;
}

/** Jest's configuration for a folder of such files: TypeScript, and `castoff` as it was built. */
export function exampleConfig(): string {
  return JSON.stringify({
    testEnvironment: 'node',
    transform: {
      '\\.ts$': [
        require.resolve('@swc/jest'),
        { jsc: { target: 'es2024', parser: { syntax: 'typescript' } } },
      ],
    },
    moduleNameMapper: {
      '^castoff$': join(root, 'dist/index.js'),
      '^testcontainers$': require.resolve('testcontainers'),
    },
  });
}
