import { describe, expect, it } from '@jest/globals';
import { imageReference } from '../../lib/engine/url-part';

const hex = 'fb5d7534b07175a35d8089c78f52e8880d44ab71e6b70da3e1c58835d65293d2';

describe('an image reference in a request', () => {
  it.each([
    ['cafe', 'cafe:latest'],
    ['registry:5000/cafe', 'registry:5000/cafe:latest'],
    ['somebody/cafe', 'somebody/cafe:latest'],
    [hex, `sha256:${hex}`],
  ])('%s is completed', (given, spelled) => {
    expect(imageReference(given)).toBe(spelled);
  });

  it.each(['cafe:1', 'registry:5000/cafe:1', `cafe@sha256:${hex}`, `sha256:${hex}`, hex.slice(0, 12)])(
    '%s stays unchanged',
    (given) => {
      expect(imageReference(given)).toBe(given);
    },
  );
});
