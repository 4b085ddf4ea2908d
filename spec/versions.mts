// Installs every version that castoff is to work with, and transformers of TypeScript, and runs specs on them: containers, handles, hangs
// and lines. Needs a registry for what is not in
// CASTOFF_VERSIONS_FOLDER yet, and an engine; --install ends before the specs, --specs begins with them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const testcontainers =
  '8.8.0 8.16.0 9.12.0 10.0.1 10.7.2 10.28.0 11.0.0 11.2.1 11.7.0 11.14.0 12.0.0 12.2.0'.split(' ');
// testcontainers 12 needs a later Node than the oldest.
const nodes = ['22.12.0', '22.23.3', '26.10.0'];
/** TypeScript 7, which castoff is compiled by, has no JavaScript API: ts-jest needs an older one. */
const transformers = {
  '@babel/core': '7.28.5',
  '@babel/preset-env': '7.28.5',
  '@babel/preset-typescript': '7.28.5',
  '@jest/transform': '^30.0.0',
  'babel-jest': '^30.0.0',
  'jest-util': '^30.0.0',
  'ts-jest': '29.4.5',
  typescript: '5.9.3',
};
const specs = ['versions', 'defects', 'hangs', 'lines'].map((name) => `spec/jest/${name}.spec.ts`);

const { values } = parseArgs({ options: { install: { type: 'boolean' }, specs: { type: 'boolean' } } });
const folder = process.env['CASTOFF_VERSIONS_FOLDER'] ?? join(tmpdir(), 'castoff-versions');
const versions = [
  ...testcontainers.map((version) => ['testcontainers', version] as const),
  ...nodes.map((version) => ['node', version] as const),
];

if (values.specs !== true) install();
if (values.install !== true) {
  const env = {
    ...process.env,
    CASTOFF_VERSIONS_FOLDER: folder,
    CASTOFF_VERSIONS: [...versions.map((version) => version.join('-')), 'transformers'].join(','),
  };
  run('npx', ['jest', '--selectProjects', 'jest', '--runTestsByPath', ...specs], { env });
}

function install(): void {
  mkdirSync(folder, { recursive: true });
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], {});
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const tarball = join(folder, `castoff-${version}.tgz`);
  installIn('transformers', transformers, ['--ignore-scripts', '--legacy-peer-deps']);
  for (const [name, wanted] of versions) {
    const cwd = installIn(
      `${name}-${wanted}`,
      { [name]: wanted },
      name === 'node' ? [] : ['--ignore-scripts'],
    );
    // ERESOLVE where the peer range does not take it.
    if (name === 'testcontainers')
      run('npm', ['install', '--dry-run', '--save-dev', '--no-audit', '--no-fund', tarball], { cwd });
  }
}

/** Installs packages in a folder of their own, unless they are there. Returns its path. */
function installIn(
  name: string,
  devDependencies: Readonly<Record<string, string>>,
  args: readonly string[],
): string {
  const cwd = join(folder, name);
  const isInstalled = Object.keys(devDependencies).every((one) => existsSync(join(cwd, 'node_modules', one)));
  if (isInstalled) return cwd;
  mkdirSync(cwd, { recursive: true });
  const text = JSON.stringify({ private: true, devDependencies, allowScripts: { node: true } });
  writeFileSync(join(cwd, 'package.json'), text);
  run('npm', ['install', '--no-audit', '--no-fund', ...args], { cwd });
  return cwd;
}

function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv },
): void {
  const { status } = spawnSync(command, args, { ...options, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
