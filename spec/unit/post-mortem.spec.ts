import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ContainerFacts } from '../../lib/engine/container-calls';
import { demultiplex, type LogChunk } from '../../lib/engine/demultiplex';
import { describePostMortem, formatPostMortem } from '../../lib/resources/post-mortem';

/** A frame as the engine sends it: the stream, three zero bytes, the length, the text. */
function frame({ stream, text }: LogChunk): Buffer {
  const bytes = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream === 'stdout' ? 1 : 2;
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

const stdout = (text: string): LogChunk => ({ stream: 'stdout', text });
const stderr = (text: string): LogChunk => ({ stream: 'stderr', text });
const framesOf = (...chunks: readonly LogChunk[]): Buffer => Buffer.concat(chunks.map(frame));

const facts: ContainerFacts = {
  id: 'c0'.repeat(32),
  name: 'app',
  labels: {},
  status: 'exited',
  image: 'castoff-spec/busybox:1',
  exitCode: 0,
  isOomKilled: false,
  error: '',
  isTty: false,
};

const linesOf = (output: Buffer, isTty = false) =>
  describePostMortem({ ...facts, isTty }, output, []).logLines;

const anyChunks: fc.Arbitrary<LogChunk[]> = fc.array(
  fc.record({
    stream: fc.constantFrom('stdout', 'stderr'),
    text: fc.string({ unit: 'grapheme', maxLength: 30 }),
  }),
  { maxLength: 12 },
);

describe('demultiplex', () => {
  it('restores the chunks of multiplexed output', () => {
    fc.assert(
      fc.property(anyChunks, (chunks) => {
        expect(demultiplex(framesOf(...chunks))).toEqual(chunks);
      }),
    );
  });

  it('keeps the complete part of output that is cut off anywhere', () => {
    fc.assert(
      fc.property(anyChunks, fc.nat(), (chunks, at) => {
        const all = framesOf(...chunks);
        const cut = at % (all.length + 1);
        const pieces = demultiplex(all.subarray(0, cut));
        let length = 0;
        const whole = chunks.filter((chunk) => (length += frame(chunk).length) <= cut);
        expect(pieces.slice(0, whole.length)).toEqual(whole);
        expect(pieces.length - whole.length).toBeLessThanOrEqual(1);
        const rest = pieces[whole.length];
        const next = chunks[whole.length];
        // A character may be cut in two.
        expect(next?.text.startsWith(rest?.text.replace(/\uFFFD+$/, '') ?? '') ?? rest === undefined).toBe(
          true,
        );
        expect(rest === undefined || rest.stream === next?.stream).toBe(true);
      }),
    );
  });

  it('keeps bytes that are not frames', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(() => demultiplex(Buffer.from(bytes))).not.toThrow();
      }),
    );
  });
});

describe('the last output of a container', () => {
  it('is split into lines with their streams, in order', () => {
    const output = framesOf(stdout('one\n'), stderr('two\r\n'), stdout('three\nfour\n'));
    expect(linesOf(output)).toEqual([stdout('one'), stderr('two'), stdout('three'), stdout('four')]);
  });

  it('keeps empty lines, and a last line without a newline', () => {
    expect(linesOf(framesOf(stdout('one\n'), stdout('\n'), stdout('two')))).toEqual(
      ['one', '', 'two'].map(stdout),
    );
  });

  it('is limited to the last 50 lines', () => {
    const numbers = Array.from({ length: 60 }, (_, index) => `${index}`);
    const lines = linesOf(framesOf(...numbers.map((number) => stdout(`${number}\n`))));
    expect(lines).toEqual(numbers.slice(10).map(stdout));
  });

  it('joins a line that the engine sends in pieces of 16 KiB', () => {
    const output = framesOf(
      stdout('start '),
      stderr('other\n'),
      stdout('a'.repeat(300)),
      stdout('b'.repeat(300)),
      stdout(' end\n'),
    );
    expect(linesOf(output)).toEqual([
      stdout('start '),
      stderr('other'),
      stdout(`${'a'.repeat(300)}${'b'.repeat(300)} end`),
    ]);
  });

  it('shortens a line of more than 1 000 characters, and names its length', () => {
    expect(linesOf(framesOf(stdout(`${'x'.repeat(1_001)}\n`)))).toEqual([
      stdout(`${'x'.repeat(1_000)}… (1001 characters)`),
    ]);
    expect(linesOf(framesOf(stdout(`${'x'.repeat(1_000)}\n`)))).toEqual([stdout('x'.repeat(1_000))]);
  });

  it('is split into lines for a terminal, too', () => {
    expect(linesOf(Buffer.from('one\r\ntwo\r\n'), true)).toEqual([stdout('one'), stdout('two')]);
  });

  it.each([true, false])('is empty when nothing was written (terminal: %s)', (isTty) => {
    expect(linesOf(Buffer.alloc(0), isTty)).toEqual([]);
  });
});

describe('a post-mortem', () => {
  it.each([
    [0, undefined],
    [1, undefined],
    [128, undefined],
    [129, 'SIGHUP'],
    [130, 'SIGINT'],
    [134, 'SIGABRT'],
    // Linux' own numbers, on whatever machine: on macOS 10 is SIGBUS, and 30 is SIGUSR1.
    [135, 'SIGBUS'],
    [137, 'SIGKILL'],
    [138, 'SIGUSR1'],
    [139, 'SIGSEGV'],
    [143, 'SIGTERM'],
    [255, undefined],
  ])('reads exit code %s as %s', (exitCode, exitSignal) => {
    expect(describePostMortem({ ...facts, exitCode }, undefined, [])).toMatchObject({ exitCode, exitSignal });
  });

  it('reports what could not be read, and keeps the rest', () => {
    const postMortem = describePostMortem(undefined, framesOf(stdout('alive\n')), ['container inspect: 500']);
    expect(postMortem).toMatchObject({ isOomKilled: false, logLines: [stdout('alive')] });
    expect(postMortem.status).toBeUndefined();
    expect(formatPostMortem(postMortem)).toBe(
      [
        'container (unknown) of (unknown image): state unknown',
        '  last output:',
        '    | alive',
        '  could not read: container inspect: 500',
      ].join('\n'),
    );
  });

  it('is formatted as state, health and output, one item per line', () => {
    const postMortem = describePostMortem(
      {
        ...facts,
        exitCode: 137,
        isOomKilled: true,
        error: 'no such file',
        health: { status: 'unhealthy', log: ['one', 'two', 'three', 'four'] },
      },
      framesOf(stdout('listening\n'), stderr('killed\n')),
      [],
    );
    expect(formatPostMortem(postMortem)).toBe(
      [
        'container app of castoff-spec/busybox:1: exited, exit code 137 (SIGKILL), out of memory',
        '  engine: no such file',
        '  health: unhealthy',
        '    two',
        '    three',
        '    four',
        '  last output:',
        '    | listening',
        '    ! killed',
      ].join('\n'),
    );
  });

  it('has no exit code for a running container', () => {
    const { exitCode: _, ...running } = { ...facts, status: 'running' };
    expect(formatPostMortem(describePostMortem(running, Buffer.alloc(0), []))).toBe(
      'container app of castoff-spec/busybox:1: running\n  no output',
    );
  });
});
