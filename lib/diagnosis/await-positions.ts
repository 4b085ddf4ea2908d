import type { ScriptPosition } from './heap-graph';

/** Comments, strings and template literals. An `await` in a regular expression or template is rare enough. */
const ignored = /\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`/g;

/**
 * Returns the positions of `await` in the code of a function, or of `yield`, which compilers for an older
 * JavaScript make of it.
 *
 * @param start - The position of the function in its script.
 */
export function awaitPositions(code: string, start: ScriptPosition): readonly ScriptPosition[] {
  const plain = code.replaceAll(ignored, (text) => text.replaceAll(/[^\n]/g, ' '));
  return [...plain.matchAll(/\b(?:await|yield)\b/g)].map(({ index }) => {
    const before = plain.slice(0, index).split('\n');
    const column = before.at(-1)?.length ?? 0;
    const line = start.line + before.length - 1;
    return { line, column: before.length === 1 ? start.column + column : column };
  });
}
