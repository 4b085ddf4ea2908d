import { describe, expect, it } from '@jest/globals';
import { formatAnnotations } from '../../lib/verdict/github-annotations';
import { judge } from '../../lib/verdict/judge';
import type { LeakSettings, RunEnd } from '../../lib/verdict/verdict';
import { leak, openHandle, shownId, record } from '../support/resource-records';

function annotate(end: Partial<RunEnd>, leaks: LeakSettings['leaks'] = 'fail', folder?: string): string {
  const verdict = judge({ records: [], failures: [], left: [], ...end }, { leaks, ignore: [] });
  return formatAnnotations(verdict, folder === undefined ? {} : { folder });
}

const web = leak({ id: shownId, name: 'web', image: 'redis:7', test: 'orders', source: 'spec/a.spec.ts:12' });

describe('annotations for GitHub', () => {
  it('are empty if nothing went wrong', () => {
    expect(annotate({ records: [record(), record({ origin: 'scope' })] })).toBe('');
  });

  it("point to the source of a leak, as an error, or as a warning with 'warn'", () => {
    const rest =
      "file=spec/a.spec.ts,line=12,title=castoff%3A container web (cccccccccccc)::leak: container web (cccccccccccc), redis:7, created in 'orders', outlived its test file; lifetime: 3.2 s, removed: by castoff\n";
    expect(annotate({ records: [web] })).toBe(`::error ${rest}`);
    expect(annotate({ records: [web] }, 'warn')).toBe(`::warning ${rest}`);
  });

  it("point to the line that opened a handle, as a warning, or as an error with handles: 'fail'", () => {
    const end = { records: [], failures: [], left: [], handles: [openHandle({ count: 3 })] };
    const rest =
      "file=spec/a.spec.ts,line=12,title=castoff%3A 3 × interval of 50 ms::still open: 3 × interval of 50 ms, created in 'polls'; age: 1.5 s\n";
    const [reported, failed] = (['report', 'fail'] as const).map((handles) =>
      formatAnnotations(judge(end, { leaks: 'warn', handles, ignore: [] })),
    );
    expect(reported).toBe(`::warning ${rest}`);
    expect(failed).toBe(`::error ${rest}`);
  });

  it("have paths relative to the repository's root", () => {
    expect(annotate({ records: [web] }, 'fail', 'packages/shop')).toContain(
      'file=packages/shop/spec/a.spec.ts,',
    );
    expect(annotate({ records: [leak({ source: '/srv/a.ts:1' })] }, 'fail', 'packages/shop')).toContain(
      'file=/srv/a.ts,',
    );
  });

  it('have no file if the source is not known', () => {
    expect(annotate({ records: [leak({ name: 'web' })] })).toMatch(/^::error title=castoff%3A container web/);
  });

  it("are errors for unremoved resources and other failures, even with 'warn'", () => {
    const records = [
      record({ name: 'web', state: 'left', lastLook: 'gone', failure: 'remove: 500', source: 'a.ts:1' }),
    ];
    const text = annotate({ records, failures: [new Error('close the line')] }, 'warn');
    expect(text.split('\n')).toEqual([
      expect.stringMatching(/^::error file=a\.ts,line=1,.*could not be removed at first: remove: 500$/),
      '::error title=castoff%3A closing the run::close the line',
      '',
    ]);
  });

  it('escape names, so that none starts another command', () => {
    const name = '100%,a:b\r\n::set-output name=x::y';
    const text = annotate({ records: [leak({ name, test: name, source: 'a,b:c%.ts:7' })] });
    expect(text.split('\n')).toHaveLength(2);
    expect(text).not.toContain('\r');
    expect(text).toContain(
      'file=a%2Cb%3Ac%25.ts,line=7,title=castoff%3A container 100%25%2Ca%3Ab%0D%0A%3A%3Aset-output',
    );
    expect(text).toContain("in '100%25,a:b%0D%0A::set-output name=x::y'");
  });
});
