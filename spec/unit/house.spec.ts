import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const lib = join(__dirname, '../../lib');
const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

// The one-way order of imports, and who may know dockerode, stand in .oxlintrc.json.
describe('the house', () => {
  it('has files', () => {
    expect(files).toContain('index.ts');
  });

  it('has one barrel: index.ts', () => {
    const barrels = files.filter((file) =>
      /^export (type )?(\*|\{[^}]*\}).* from '/m.test(readFileSync(join(lib, file), 'utf8')),
    );
    expect(barrels).toEqual(['index.ts']);
  });

  it('calls no file by what it is not about', () => {
    const names = files.map((file) => basename(file, '.ts'));
    expect(
      names.filter((name) => /\b(utils?|helpers?|common|types|misc|manager|handler)\b/.test(name)),
    ).toEqual([]);
  });
});
