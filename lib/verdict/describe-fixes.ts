import { readSource } from '../core/source-line';
import { resourceKinds } from '../core/kinds';
import { shortenMiddle } from './fit-text';
import type { ResourceRecord } from './verdict';

/** Returns the lines that explain how to fix `leaks`. */
export function describeFixes(leaks: readonly ResourceRecord[]): readonly string[] {
  const areRemoved = leaks.every(({ state }) => state === 'gone');
  const status = leaks.length === 1 ? 'The leak has been removed.' : 'All leaks have been removed.';
  const calls = [...new Set(leaks.map(({ kind }) => resourceKinds[kind].removalCall))].join(', ');
  return [
    areRemoved ? `${status} To fix this:` : 'To fix this:',
    `- remove what a test starts in 'afterEach' or 'afterAll': ${calls}`,
    "- or give it to a scope, which removes it even when the test fails; import { scope } from 'castoff/jest':",
    '    const container = await scope.start(new GenericContainer(…))',
    `- or, if it is meant to outlive its test file: withCastoff(config, { ignore: ['${patternFor(leaks)}'] }), or leaks: 'warn'`,
  ];
}

/** Prefers an image or a file: a generated name would not match in the next run. */
function patternFor(leaks: readonly ResourceRecord[]): string {
  const image = leaks.find((leak) => leak.image !== undefined)?.image;
  if (image !== undefined) return `image:${shortPattern(image)}`;
  const source = leaks.find(({ owner }) => owner.source !== undefined)?.owner.source;
  const file = source === undefined ? '*' : readSource(source).line.replace(/:\d+$/, '');
  return `file:${shortPattern(file)}`;
}

function shortPattern(text: string): string {
  return shortenMiddle(text, 40).replace('…', '*');
}
