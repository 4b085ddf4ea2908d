import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { packageVersion } from '../../lib/core/package-version';

it('is the version in package.json', () => {
  const packageJson: unknown = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8'));
  expect(packageJson).toHaveProperty('version', packageVersion);
});
