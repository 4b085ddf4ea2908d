// One CommonJS build: Jest's sandbox can only `require`. The ESM-only packages (p-retry, p-limit) are inlined;
// everything in package.json's `dependencies` stays outside.
import { readFileSync } from 'node:fs';

const { dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const outside = new Set([...Object.keys(dependencies), ...Object.keys(peerDependencies)]);

export default {
  input: { index: 'lib/index.ts', cli: 'lib/cli/castoff.ts' },
  platform: 'node',
  external: (id) => id.startsWith('node:') || outside.has(id),
  output: {
    dir: 'dist',
    format: 'cjs',
    exports: 'named',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    dynamicImportInCjs: false,
    sourcemap: false,
  },
};
