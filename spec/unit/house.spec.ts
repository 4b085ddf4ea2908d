import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const lib = join(__dirname, '../../lib');
const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

// .oxlintrc.json has the one-way order of imports, and the folders that may import dockerode.
describe('lib', () => {
  it('has files', () => {
    expect(files).toContain('index.ts');
  });

  it('has one barrel: index.ts', () => {
    const barrels = files.filter((file) =>
      /^export (type )?(\*|\{[^}]*\}).* from '/m.test(readFileSync(join(lib, file), 'utf8')),
    );
    expect(barrels).toEqual(['index.ts']);
  });

  it('has no file with a catch-all name', () => {
    const names = files.map((file) => basename(file, '.ts'));
    expect(
      names.filter((name) => /\b(utils?|helpers?|common|types|misc|manager|handler)\b/.test(name)),
    ).toEqual([]);
  });
});
