import { describe, expect, it } from '@jest/globals';
import { readCreateResponse } from '../../lib/capture/create-response';

const sha = `sha256:${'5b8b'.repeat(16)}`;

describe('readCreateResponse', () => {
  it.each([
    ['container', '{"Id":"4f2a","Warnings":[]}\n', '4f2a'],
    ['network', '{"Id":"8a1c","Warning":""}\n', '8a1c'],
    [
      'volume',
      '{"CreatedAt":"2026-11-02T10:00:00Z","Driver":"local","Labels":{},"Mountpoint":"/v","Name":"db","Options":{},"Scope":"local"}\n',
      'db',
    ],
    ['image', `{"Id":"${sha}"}\n`, sha],
    ['image', `{"status":"${sha}"}\r\n`, sha],
    [
      'image',
      `{"stream":"Step 1/1 : FROM x"}\r\n{"stream":"\\n"}\r\n{"aux":{"ID":"${sha}"}}\r\n{"stream":"Successfully built 5b8b\\n"}\r\n`,
      sha,
    ],
    [
      'image',
      `{"id":"moby.buildkit.trace","aux":"CnoK"}\n{"id":"moby.image.id","aux":{"ID":"${sha}"}}\n`,
      sha,
    ],
    // Podman can pretty-print its responses.
    ['container', '{\n  "Id": "4f2a",\n  "Warnings": []\n}', '4f2a'],
  ] as const)('reads the id of a new %s', (kind, text, id) => {
    expect(readCreateResponse(kind, 201, text)).toEqual({ isCreated: true, id });
  });

  it('reads the last image id of a build whose first lines were dropped', () => {
    const other = `sha256:${'0a0a'.repeat(16)}`;
    const text = `tep 3"}\r\n{"aux":{"ID":"${other}"}}\r\n{"aux":{"ID":"${sha}"}}\r\n`;
    expect(readCreateResponse('image', 200, text)).toEqual({ isCreated: true, id: sha });
  });

  it('treats a rejected request and a failed build as not created', () => {
    expect(
      readCreateResponse(
        'container',
        409,
        '{"message":"Conflict. The container name \\"/db\\" is already in use"}',
      ),
    ).toEqual({ isCreated: false });
    expect(readCreateResponse('network', 500, '')).toEqual({ isCreated: false });
    const build = `{"aux":{"ID":"${sha}"}}\r\n{"errorDetail":{"message":"no"},"error":"no"}\r\n`;
    expect(readCreateResponse('image', 200, build)).toEqual({ isCreated: false });
  });

  it('returns undefined for a truncated response', () => {
    expect(readCreateResponse('container', 201, '{"Id":"4f')).toBeUndefined();
    expect(readCreateResponse('image', 200, '{"stream":"Step 1/1"}\r\n')).toBeUndefined();
    expect(readCreateResponse('volume', 201, '')).toBeUndefined();
  });
});
