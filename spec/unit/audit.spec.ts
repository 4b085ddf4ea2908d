import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatLogLine, logEntryOf } from '../../lib/reaper/daemon/log-line';
import type { AuditEntry } from '../../lib/reaper/reaping/audit';

const entry: AuditEntry = {
  outcome: 'removed',
  kind: 'container',
  id: '3f2a',
  name: 'web',
  labels: { 'castoff.session': 'a', b: 'c d' },
  claim: 'castoff.session=a',
  lease: 'pid 12 on host',
  durationMs: 130.4,
};

/** Without its time and level. */
function lineOf(audited: AuditEntry): string {
  const line = formatLogLine(logEntryOf({ type: 'audited', entry: audited }), new Date(0));
  return line.replace('time=1970-01-01T00:00:00.000Z level=INFO ', '');
}

describe('an audit line', () => {
  it('has the removed resource, its labels, the claim and its last holder', () => {
    expect(lineOf(entry)).toBe(
      'msg=removed container=web id=3f2a claim="castoff.session=a" lease="pid 12 on host" labels="castoff.session=a,b=c d" duration=130ms',
    );
  });

  it('has the reason why a resource was not removed', () => {
    const left = { ...entry, outcome: 'left', kind: 'volume', name: '', reason: '409 in use' } as const;
    expect(lineOf(left)).toMatch(/^msg=left volume=3f2a .* reason="409 in use" /);
  });

  it('is limited in length, however long its parts are', () => {
    const long = 'x'.repeat(100_000);
    const labels = Object.fromEntries(Array.from({ length: 1_000 }, (_unused, index) => [`k${index}`, long]));
    const line = lineOf({ ...entry, name: long, claim: long, lease: long, labels });
    expect(line.length).toBeLessThan(40_000);
  });

  it('marks a dry run', () => {
    expect(lineOf({ ...entry, outcome: 'would-remove' })).toMatch(/^msg="would remove" container=web /);
  });

  it('is one line of printable text, whatever names and labels contain', () => {
    const anyText = fc.string({
      unit: fc.constantFrom(
        'a',
        ' ',
        '"',
        '=',
        '\\',
        '\n',
        '\r',
        '\0',
        '\u001b',
        '\u0085',
        '\u2028',
        '\u202e',
        'é',
        '😀',
      ),
    });
    fc.assert(
      fc.property(anyText, fc.dictionary(anyText, anyText), (name, labels) => {
        const line = lineOf({ ...entry, name, labels });
        expect(line).not.toMatch(/[\p{C}\u2028\u2029]/u);
        expect(line).toMatch(/^msg=removed container=\S/);
        expect(line).toMatch(/ duration=130ms$/);
      }),
    );
  });
});
