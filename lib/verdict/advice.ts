import { readSource } from '../core/source-line';
import type { ResourceKind } from '../resources/kind';
import { shortenMiddle } from './fit-text';
import type { ResourceRecord } from './verdict';

const ownWay: Readonly<Record<ResourceKind, string>> = {
  container: 'await container.stop()',
  network: 'await network.stop()',
  volume: 'await volume.remove()',
  image: 'await image.remove()',
  'compose-project': 'await environment.down()',
};

/** What to do about leaks like these, in lines. */
export function fixesFor(leaks: readonly ResourceRecord[]): readonly string[] {
  const areGone = leaks.every(({ state }) => state === 'gone');
  const ways = [...new Set(leaks.map(({ kind }) => ownWay[kind]))].join(', ');
  return [
    `${areGone ? 'All of it has been removed now. ' : ''}To mend it, do one of these:`,
    `- remove what a test starts in its 'afterEach' or 'afterAll': ${ways}`,
    "- give it to a scope, which removes it also when the test fails; import { scope } from 'castoff/jest':",
    '    const container = await scope.start(new GenericContainer(…))',
    `- where it is meant to stay that long: withCastoff(config, { ignore: ['${patternFor(leaks)}'] }), or leaks: 'warn'`,
  ];
}

/** An example that will still fit the next run: names are often made up anew. */
function patternFor(leaks: readonly ResourceRecord[]): string {
  const image = leaks.find((leak) => leak.image !== undefined)?.image;
  if (image !== undefined) return `image:${shortPattern(image)}`;
  const source = leaks.find((leak) => leak.source !== undefined)?.source;
  const file = source === undefined ? '*' : readSource(source).line.replace(/:\d+$/, '');
  return `file:${shortPattern(file)}`;
}

/** One that still matches `text`. */
function shortPattern(text: string): string {
  return shortenMiddle(text, 40).replace('…', '*');
}
