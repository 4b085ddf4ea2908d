import { join } from 'node:path';
import { copyFixture, ownModules } from './fixture-project';

export type JestVersion = '30' | '29';

const modulesOfJest = { '30': ownModules, '29': join(__dirname, '../fixtures/jest-29/node_modules') };

/** Packages of a user's project, except castoff and Jest. */
const linked = [
  '@swc/core',
  '@swc/jest',
  '@testcontainers/postgresql',
  '@testcontainers/redis',
  'dockerode',
  'jest-environment-jsdom',
  'msw',
  'nock',
  'nock-13',
  'testcontainers',
  'undici',
];

/** Copies spec/fixtures/jest/<name>, and installs castoff and a Jest in it. */
export function copyProject(
  name: string,
  options: {
    jest: JestVersion;
    files: Readonly<Record<string, string>>;
    modules: Readonly<Record<string, string>>;
  },
): Promise<{ folder: string; remove: () => Promise<void> }> {
  const { files, modules } = options;
  const own = linked.map((each) => [each, join(ownModules, each)]);
  const ofJest = ['jest', 'jest-environment-node'].map((each) => [
    each,
    join(modulesOfJest[options.jest], each),
  ]);
  const packages = { ...Object.fromEntries([...own, ...ofJest]), ...modules } as Record<string, string>;
  return copyFixture(`jest/${name}`, { files, packages });
}
