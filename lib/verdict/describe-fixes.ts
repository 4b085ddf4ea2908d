import { readSource } from '../core/source-line';
import { commandScope } from '../registry/scope-names';
import { resourceKinds } from '../core/kinds';
import { shortenMiddle } from './fit-text';
import { runnerAdvice } from './runner-advice';
import type { Creator, ResourceRecord, RunnerName } from './verdict';

/** Returns the lines that explain how to fix `leaks`. */
export function describeFixes(
  leaks: readonly ResourceRecord[],
  creator: Creator = 'tests',
  runner: RunnerName = 'jest',
): readonly string[] {
  const areRemoved = leaks.every(({ state }) => state === 'gone');
  const status = leaks.length === 1 ? 'The leak has been removed.' : 'All leaks have been removed.';
  const calls = [...new Set(leaks.map(({ kind }) => resourceKinds[kind].removalCall))].join(', ');
  const title = areRemoved ? `${status} To fix this:` : 'To fix this:';
  if (creator === 'command')
    return [
      title,
      "- let the command remove what it starts: docker compose down -v, docker rm -f -v, 'await container.stop()'",
      `- or, if castoff is to remove it: --leaks off, or CASTOFF_IGNORE='${patternFor(leaks)}'`,
    ];
  const { module, withOptions } = runnerAdvice[runner];
  return [
    title,
    `- remove what a test starts in 'afterEach' or 'afterAll': ${calls}`,
    `- or give it to a scope, which removes it even when the test fails; import { scope } from '${module}':`,
    '    const container = await scope.start(new GenericContainer(…))',
    `- or, if it is meant to outlive its test file: ${withOptions(`ignore: ['${patternFor(leaks)}']`)}, or leaks: 'warn'`,
  ];
}

/** Prefers an image or a file: a generated name would not match in the next run. */
function patternFor(leaks: readonly ResourceRecord[]): string {
  const image = leaks.find((leak) => leak.image !== undefined)?.image;
  if (image !== undefined) return `image:${shortPattern(image)}`;
  const name = leaks.find(({ owner }) => owner.scope === commandScope)?.name;
  if (name !== undefined) return `name:${shortPattern(name)}`;
  const source = leaks.find(({ owner }) => owner.source !== undefined)?.owner.source;
  const file = source === undefined ? '*' : readSource(source).line.replace(/:\d+$/, '');
  return `file:${shortPattern(file)}`;
}

function shortPattern(text: string): string {
  return shortenMiddle(text, 40).replace('…', '*');
}
