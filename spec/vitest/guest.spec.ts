import { describe, expect, it } from '@jest/globals';
import { isLong } from '../support/spec-size';
import { runVitest } from '../support/vitest-run';

describe.each(isLong ? (['4', '3'] as const) : (['4'] as const))(
  'beside the own parts of a project, Vitest %s',
  (vitest) => {
    it('all run as without castoff, and the run ends without an alarm', async () => {
      const end = await runVitest('guest', { vitest });
      expect(end.stdout).toMatch(/Tests +4 passed \(4\)/);
      expect(end.stdout).toContain('the own runner has run');
      expect(end.stdout).toContain('the global teardown has run');
      expect(end.stderr.match(/^castoff: .*$/gm)).toEqual([
        'castoff: project other is not watched; add castoff() to its plugins, or set extends: true',
        'castoff: 4 containers, all gone',
      ]);
      expect(end.verdict).toMatchObject({ isFailure: false, leaks: [], handles: [], left: [], failures: [] });
      expect(end).toMatchObject({ exitCode: 0, left: [] });
    });
  },
);
