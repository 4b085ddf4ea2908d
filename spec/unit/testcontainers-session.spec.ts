import { describe, expect, it } from '@jest/globals';
import { hasOwnSession } from '../../lib/scope/testcontainers-session';

describe('the session that testcontainers writes on what it creates', () => {
  it.each(['11.12.0', '11.14.0', '12.0.0', '12.2.0', '13.0.0'])('is its own in %s', (version) => {
    expect(hasOwnSession(version)).toBe(true);
  });

  it.each(['8.8.0', '9.12.0', '10.28.0', '11.0.0', '11.11.0', '11.11.9', undefined])(
    'may be that of a stranger in %s, and is not claimed',
    (version) => {
      expect(hasOwnSession(version)).toBe(false);
    },
  );
});
