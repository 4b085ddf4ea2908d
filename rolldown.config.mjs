// One CommonJS build: Jest's sandbox can only `require`. The ESM-only packages (p-retry, p-limit) are inlined, with their
// licences beside them; everything in package.json's `dependencies` stays outside.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const { dependencies, peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
const outside = new Set([...Object.keys(dependencies), ...Object.keys(peerDependencies)]);

export default {
  input: { index: 'lib/index.ts', cli: 'lib/cli/castoff.ts' },
  platform: 'node',
  external: (id) => id.startsWith('node:') || outside.has(id),
  // The oldest Node of `engines`: it has no `using`.
  transform: { target: 'node22.22' },
  plugins: [{ name: 'licences-of-inlined-packages', generateBundle: addLicences }],
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'cjs',
    exports: 'named',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    // `import('dockerode')` becomes a `require` that runs when it is reached.
    dynamicImportInCjs: false,
  },
};

// MIT and its like ask that their text goes where the code goes.
function addLicences(_, bundle) {
  const modules = Object.values(bundle).flatMap(({ moduleIds }) => moduleIds ?? []);
  const folders = new Set(modules.map(packageFolder).filter((folder) => folder !== undefined));
  const texts = [...folders].toSorted().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`inline ${name} ${version}: it has no licence file`);
    return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  const source = texts.join(`\n${'-'.repeat(80)}\n\n`);
  this.emitFile({ type: 'asset', fileName: 'THIRD-PARTY-LICENSES.txt', source });
}

function packageFolder(moduleId) {
  return /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(moduleId)?.[0];
}
