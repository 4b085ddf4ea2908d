import fs from 'node:fs';
import { afterEach, expect, it, jest } from '@jest/globals';
import { randomHex } from '../../lib/core/random-hex';

afterEach(() => void jest.restoreAllMocks());

it('returns as many random bytes as asked for', () => {
  const all = Array.from({ length: 200 }, () => randomHex(6));
  expect(all.every((one) => /^[0-9a-f]{12}$/.test(one))).toBe(true);
  expect(new Set(all).size).toBe(all.length);
});

it.each(['ENOENT', 'EMFILE', 'ERR_ACCESS_DENIED'])(
  "returns them without the system's file, too: %s",
  (code) => {
    const open = jest.spyOn(fs, 'openSync').mockImplementation(() => {
      throw Object.assign(new Error(code), { code });
    });
    const [one, other] = [randomHex(8), randomHex(8)];
    expect(open).toHaveBeenCalledTimes(2);
    expect(one).toMatch(/^[0-9a-f]{16}$/);
    expect(one).not.toBe(other);
  },
);
