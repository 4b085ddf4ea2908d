import { describe, expect, it } from '@jest/globals';
import { hasOwnSession } from '../../lib/scope/testcontainers-session';

describe('hasOwnSession', () => {
  it.each(['11.12.0', '11.14.0', '12.0.0', '12.2.0', '13.0.0'])(
    'is true for testcontainers %s',
    (version) => {
      expect(hasOwnSession(version)).toBe(true);
    },
  );

  it.each(['8.8.0', '9.12.0', '10.28.0', '11.0.0', '11.11.0', '11.11.9', undefined])(
    'is false for testcontainers %s, which may join the session of another process',
    (version) => {
      expect(hasOwnSession(version)).toBe(false);
    },
  );
});
