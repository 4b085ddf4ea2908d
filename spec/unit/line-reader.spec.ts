import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { maxLineBytes } from '../../lib/reaper/protocol/message';
import { LineReader, type RawLine } from '../../lib/wire/line-reader';

const longest = 65_536;

function readAll(pieces: readonly Uint8Array[], reader = new LineReader(maxLineBytes)): RawLine[] {
  return pieces.flatMap((piece) => reader.push(Buffer.from(piece)));
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const cuts = fc.array(fc.nat(), { maxLength: 12 });
const anyLine = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\r\n]/g, ''));

describe('a line reader', () => {
  it('returns the same lines however chunks are split, with either line end', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyLine, fc.constantFrom('\n', '\r\n'))), cuts, (lines, places) => {
        const bytes = Buffer.from(lines.map(([text, end]) => text + end).join(''));
        expect(readAll(cut(bytes, places))).toEqual(lines.map(([text]) => ({ text })));
      }),
    );
  });

  it('accepts any bytes without throwing, and buffers at most one line', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (pieces) => {
        const reader = new LineReader(64);
        const ends = Buffer.concat(pieces).filter((byte) => byte === 0x0a).length;
        const lines = readAll(pieces, reader);
        expect(lines.length).toBeGreaterThanOrEqual(ends);
        expect(lines.length).toBeLessThanOrEqual(ends + 1);
        expect(reader.heldBytes).toBeLessThanOrEqual(65);
      }),
    );
  });

  it('returns no incomplete line', () => {
    expect(readAll([Buffer.from('label=a=b\nlabel=a=b&label=c')])).toEqual([{ text: 'label=a=b' }]);
  });

  it.each([
    ['\n', 'a newline'],
    ['\r\n', 'a carriage return and a newline'],
  ])('accepts a line of the maximum length before %j', (end) => {
    const line = 'x'.repeat(longest);
    const pieces = cut(Buffer.from(`${line}${end}next\n`), [1, longest, longest + 1]);
    expect(readAll(pieces)).toEqual([{ text: line }, { text: 'next' }]);
  });

  it('refuses a longer line once, and continues with the next', () => {
    const reader = new LineReader(maxLineBytes);
    const tooLong = Array.from({ length: 40 }, () => Buffer.alloc(longest, 'x'));
    expect(readAll([...tooLong, Buffer.from('y\nnext\n')], reader)).toEqual([
      { refusal: 'line longer than 65536 bytes' },
      { text: 'next' },
    ]);
    expect(readAll([Buffer.from(`${'x'.repeat(longest + 1)}\nnext\n`)])).toEqual([
      { refusal: 'line longer than 65536 bytes' },
      { text: 'next' },
    ]);
  });

  it('refuses invalid UTF-8', () => {
    expect(readAll([Buffer.from([0xff, 0xfe, 0x0a])])).toEqual([{ refusal: 'invalid UTF-8' }]);
  });
});
