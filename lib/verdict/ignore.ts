import { CastoffError } from '../core/errors';
import { readSource } from '../core/source-line';
import type { ResourceKind } from '../resources/kind';
import type { ResourceRecord } from './verdict';

type Field = ResourceKind | 'name' | 'test' | 'file';

/** What a pattern may look at: a kind's name stands for the names of that kind, `image` also for what a container runs. */
const fields: readonly Field[] = [
  'container',
  'network',
  'volume',
  'image',
  'compose-project',
  'test',
  'file',
  'name',
];

/**
 * Whether `pattern` lets `thing` be: `container:web-*`, `image:redis*`, `test:*slow*`, `file:spec/old/*`; without a field, the
 * name of whatever it is. A `*` stands for any characters, none among them; all the rest for itself; the whole has to match.
 *
 * @throws CastoffError `CONFIG_INVALID` for a pattern that could never have been meant: see `checkIgnore`.
 */
export function matchesIgnore(pattern: string, thing: ResourceRecord): boolean {
  const { field, glob } = parsePattern(pattern);
  return valuesOf(field, thing).some((value) => value !== undefined && matchesGlob(glob, value));
}

/** @throws CastoffError `CONFIG_INVALID` for the first of `patterns` that is empty, or asks for a field that there is not. */
export function checkIgnore(patterns: readonly string[]): void {
  for (const pattern of patterns) parsePattern(pattern);
}

function parsePattern(pattern: unknown): { readonly field: Field; readonly glob: string } {
  if (typeof pattern !== 'string') throw invalid(pattern, 'a pattern is a string');
  const [, word, rest = pattern] = /^([a-z-]+):(.*)$/s.exec(pattern) ?? [];
  const field = fields.find((known) => known === (word ?? 'name'));
  // `redis:7` is an image's name: easily written where `image:redis:7` is meant, and it would never match.
  if (field === undefined) throw invalid(pattern, `there is no ${word}`);
  if (rest === '') throw invalid(pattern, 'it matches nothing');
  return { field, glob: rest };
}

/** Piece after piece, each at its first chance: a later one would leave less room for the rest. */
function matchesGlob(glob: string, text: string): boolean {
  const [head = '', ...pieces] = glob.split('*');
  const tail = pieces.pop();
  if (tail === undefined) return glob === text;
  if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
  const end = text.length - tail.length;
  let from = head.length;
  for (const piece of pieces) {
    const at = text.indexOf(piece, from);
    if (at < 0 || at + piece.length > end) return false;
    from = at + piece.length;
  }
  return true;
}

function valuesOf(field: Field, thing: ResourceRecord): readonly (string | undefined)[] {
  const { kind, id, name, image, test, source } = thing;
  switch (field) {
    case 'name':
      return [name, id];
    case 'test':
      return [test];
    case 'file':
      return source === undefined ? [] : [readSource(source).line.replace(/:\d+$/, '')];
    case 'image':
      return kind === 'image' ? [name, id, image] : [image];
    case 'container':
    case 'network':
    case 'volume':
    case 'compose-project':
      return field === kind ? [name, id] : [];
  }
}

function invalid(pattern: unknown, why: string): CastoffError {
  return new CastoffError(
    'CONFIG_INVALID',
    `ignore: got ${JSON.stringify(pattern)}: ${why}; give a name, or ${fields.map((field) => `${field}:…`).join(', ')}, with * for any characters`,
  );
}
