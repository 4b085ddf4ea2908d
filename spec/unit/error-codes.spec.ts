import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { errorCodes } from '../../lib/core/errors';

const specFolder = join(__dirname, '..');
const specs = readdirSync(specFolder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join(specFolder, file), 'utf8'));

describe('an error code', () => {
  // `toMatchObject({ code: 'X' })`, `toHaveProperty('code', 'X')`, `isCastoffError(error, 'X')`
  it.each(Object.keys(errorCodes))('%s is expected by some spec', (code) => {
    const expectation = new RegExp(`(\\bcode: |'code',\\s*|isCastoffError\\([^;]*?,\\s*)'${code}'`);
    expect(specs.some((spec) => expectation.test(spec))).toBe(true);
  });
});
