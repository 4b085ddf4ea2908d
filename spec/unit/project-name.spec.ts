import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { deriveProjectName } from '../../lib/commands/derive-project-name';
import { projectNameIn, type ProjectNameSources } from '../../lib/commands/project-name';

const nameIn = (sources: Partial<ProjectNameSources>): string | undefined =>
  projectNameIn({
    folders: ['/work/My Shop.2'],
    variables: [],
    composeFiles: [],
    isPlugin: true,
    ...sources,
  });

describe('the name of a Compose project whose command has none', () => {
  it.each([
    ['the folder', {}, 'myshop2'],
    [
      'the folder, beside names of other objects',
      { composeFiles: ['services:\n  app:\n    name: x\n'] },
      'myshop2',
    ],
    ['the folder, beside JSON', { composeFiles: ['{"services": {"name": {}}}'] }, 'myshop2'],
    ['the file', { composeFiles: ['# shop\n---\nname: "shop" # ours\nservices: {}\n'] }, 'shop'],
    ['a file in JSON', { composeFiles: ['{"name": "shop", "services": {}}'] }, 'shop'],
    [
      '`.env`, before the file',
      { variables: ['A=1\nCOMPOSE_PROJECT_NAME=env\n'], composeFiles: ['name: x'] },
      'env',
    ],
  ])('comes from %s', (_where, sources, name) => {
    expect(nameIn(sources)).toBe(name);
  });

  it.each([
    ['a folder whose leading dashes version 1 keeps', { folders: ['/work/-shop'] }],
    ['a link and a folder of another name', { folders: ['/work/link', '/work/shop'] }],
    ['a file that version 1 reads differently', { composeFiles: ['name: shop'], isPlugin: false }],
    ['a variable in a name', { composeFiles: ['name: ${NAME:-shop}'] }],
    ['two names', { composeFiles: ['name: shop', 'name: other'] }],
    ['YAML that is not plain', { composeFiles: ['{name: shop}'] }],
    ['YAML that is indented', { composeFiles: ['\n  name: shop\n  services: {}\n'] }],
    ['a variable that selects other files', { variables: ['COMPOSE_FILE=other.yml'] }],
    ['a variable in `.env`', { variables: ['COMPOSE_PROJECT_NAME=${USER}'] }],
    ['a name that Compose rejects', { composeFiles: ['name: Shop'] }],
  ])('stays open for %s', (_what, sources) => {
    expect(nameIn(sources)).toBeUndefined();
  });
});

describe('deriveProjectName', () => {
  let folder: string;
  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'shop-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const docker = { file: 'docker', args: [], env: {} };

  it('reads the files that Compose would read', () => {
    writeFileSync(join(folder, 'compose.yaml'), 'services: {}\n');
    writeFileSync(join(folder, 'compose.override.yml'), 'name: over\n');
    writeFileSync(join(folder, 'more.yml'), 'name: more\n');
    expect(deriveProjectName({}, { ...docker, cwd: folder })).toBe('over');
    const at = { file: 'compose.yaml', moreFiles: ['more.yml'] };
    expect(deriveProjectName(at, { ...docker, cwd: folder })).toBe('more');
    writeFileSync(join(folder, '.env'), 'COMPOSE_PROJECT_NAME=env\n');
    expect(deriveProjectName(at, { ...docker, cwd: folder })).toBe('env');
  });

  it.each([
    ['standard input', { file: '-' }, {}],
    ['another file of variables', { hasEnvFile: true }, {}],
    ['other files of variables', {}, { COMPOSE_ENV_FILES: 'a.env' }],
  ])('leaves it open when the command reads %s', (_what, at, env) => {
    expect(deriveProjectName(at, { ...docker, cwd: folder, env })).toBeUndefined();
  });
});
