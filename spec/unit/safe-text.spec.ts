import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DeadlineError } from '../../lib/core/deadline';
import { CastoffError } from '../../lib/core/errors';
import { safeForLog, safeForTerminal, safeJson, safeLinesForLog, safeOutput } from '../../lib/core/safe-text';
import { quoteShellArgument } from '../../lib/core/shell-quote';
import { formatLogLine } from '../../lib/reaper/daemon/log-line';
import { openJsonLog } from '../../lib/reaper/daemon/daemon-log';
import { describePostMortem, formatPostMortem } from '../../lib/resources/post-mortem';
import { formatKept } from '../../lib/run/describe-kept';
import { record } from '../support/resource-records';

/** Fragments that an attacker would use, in addition to any text. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\u001b[2J',
        '\u009b31m',
        '\r',
        '\n',
        '\u2028',
        '\u202e',
        '\u007f',
        '::error::x',
        '##[add-mask]x',
        ' ',
      ),
      fc.string({ maxLength: 8, unit: 'binary' }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

// Commands of GitHub's runner; ESC, C0, C1, line separators and direction marks.
const isObeyed = (line: string): boolean =>
  line.trimStart().startsWith('::') ||
  line.includes('##[') ||
  /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(line);

describe('untrusted text in output', () => {
  it('becomes one line that neither a terminal nor GitHub interprets', () => {
    fc.assert(fc.property(hostile, (text) => expect(isObeyed(safeForLog(text))).toBe(false)));
    fc.assert(fc.property(hostile, (text) => expect(isObeyed(safeOutput(text))).toBe(false)));
    expect(safeForTerminal('a\u001b[2Jb\nc\u009b')).toBe('a?[2Jb?c?');
  });

  it('stays unchanged when harmless', () => {
    for (const text of ['container web (3f2a91c0)', 'größer 漢字 👩‍👩‍👧', 'a::b', 'C# ## [1]'])
      expect([safeForLog(text), safeOutput(text)]).toEqual([text, text]);
    expect(safeLinesForLog('one\n\ttwo')).toBe('one\n\ttwo');
  });

  it('loses its colours in the output of a container', () => {
    expect(safeOutput('\u001b[31mred\u001b[0m\tfield')).toBe('red  field');
  });

  it('is not interpreted in any line of a castoff error', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const errors = [new CastoffError('ENGINE_REFUSED', `start ${text}`), new DeadlineError(text, 1)];
        for (const { message, stack = '' } of errors)
          for (const line of [...message.split('\n'), ...stack.split('\n')])
            expect(isObeyed(line.replaceAll('\t', ' '))).toBe(false);
      }),
    );
  });

  it('is not interpreted in any line of a post-mortem', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const output = Buffer.from(text);
        const facts = {
          id: 'a',
          name: text,
          labels: {},
          status: 'exited',
          image: text,
          isOomKilled: false,
          error: text,
          health: { status: text, log: [text] },
          isTty: true,
        };
        const lines = formatPostMortem(describePostMortem(facts, output, [text])).split('\n');
        // Indentation by Jest is harmless.
        for (const line of lines) expect(isObeyed(line)).toBe(false);
      }),
    );
  });

  it('is not interpreted in the description of kept resources, nor in the commands that remove them', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const facts = { state: 'kept', name: text, test: text, source: text } as const;
        const things = (['container', 'volume', 'compose-project'] as const).map((kind) =>
          record({ ...facts, kind, id: text }),
        );
        const message = formatKept(
          { session: 's', isRetained: true },
          things.map((kept) => ({ ...kept, ports: [] })),
        );
        for (const line of message.split('\n')) expect(isObeyed(line)).toBe(false);
      }),
    );
  });

  it('is not interpreted in a line of a reaper’s log, nor in its JSON', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const line = { level: 'INFO', message: text, facts: { holder: text } } as const;
        const written: string[] = [];
        openJsonLog({ write: (json) => void written.push(json) }, { isVerbose: true }).write(line);
        expect(JSON.parse(written.join(''))).toMatchObject({ msg: text, holder: text });
        for (const one of [formatLogLine(line, new Date()), ...written.join('').trimEnd().split('\n')])
          expect(isObeyed(one)).toBe(false);
      }),
    );
  });

  it('is one argument of a shell command', () => {
    const args = ['web', "it's", '$(touch x)', '`id`', 'a b', '-rf', ';', '', '~', '*'];
    const echoed = execFileSync('sh', ['-c', `printf '<%s>' ${args.map(quoteShellArgument).join(' ')}`], {
      encoding: 'utf8',
    });
    expect(echoed).toBe(args.map((arg) => `<${arg}>`).join(''));
  });

  it('parses to the same value from JSON that is not interpreted', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const json = safeJson({ [text]: [text] });
        expect(JSON.parse(json)).toEqual({ [text]: [text] });
        for (const line of json.split('\n')) expect(isObeyed(line)).toBe(false);
      }),
    );
  });
});
