import { CastoffError } from '../core/errors';
import { matchesGlob } from '../core/glob';
import { readSource } from '../core/source-line';
import type { RegistryEntry } from '../registry/entry';
import type { OpenHandle } from './verdict';
import { reportOrder, type ResourceKind } from '../core/kinds';

type Field = ResourceKind | 'name' | 'test' | 'file';

/** A kind matches the names of that kind; `image` also matches the image that a container runs. */
const fields: readonly Field[] = [...reportOrder, 'test', 'file', 'name'];

/**
 * Returns whether `pattern` matches a resource: `container:web-*`, `image:redis*`, `test:*slow*`,
 * `file:spec/old/*`. Without a field, the pattern matches a name or id of any kind. `*` matches any
 * characters or none, and the whole text has to match.
 *
 * @throws CastoffError `CONFIG_INVALID` for a pattern that `checkIgnore` refuses.
 */
export function matchesIgnore(pattern: string, entry: RegistryEntry): boolean {
  const { field, glob } = parsePattern(pattern);
  return valuesOf(field, entry).some((value) => value !== undefined && matchesGlob(glob, value));
}

/** Returns whether `pattern` matches a handle: by `test:` or `file:`, which name no resource. */
export function matchesHandle(pattern: string, { test, source }: OpenHandle): boolean {
  const { field, glob } = parsePattern(pattern);
  const value = field === 'test' ? test : field === 'file' ? fileOf(source) : undefined;
  return value !== undefined && matchesGlob(glob, value);
}

/** @throws CastoffError `CONFIG_INVALID` for the first of `patterns` that is empty or has an unknown field */
export function checkIgnore(patterns: readonly string[]): void {
  for (const pattern of patterns) parsePattern(pattern);
}

function parsePattern(pattern: unknown): { readonly field: Field; readonly glob: string } {
  if (typeof pattern !== 'string') throw invalid(pattern, 'not a string');
  const [, prefix, rest = pattern] = /^([a-z-]+):(.*)$/s.exec(pattern) ?? [];
  const field = fields.find((known) => known === (prefix ?? 'name'));
  // An image without its field, such as `redis:7`, would never match.
  if (field === undefined) throw invalid(pattern, `unknown field ${prefix}`);
  if (rest === '') throw invalid(pattern, 'an empty pattern matches nothing');
  return { field, glob: rest };
}

function valuesOf(field: Field, entry: RegistryEntry): readonly (string | undefined)[] {
  const { kind, id, name, image, owner } = entry;
  switch (field) {
    case 'name':
      return [name, id];
    case 'test':
      return [owner.test];
    case 'file':
      return [fileOf(owner.source)];
    case 'image':
      return kind === 'image' ? [name, id, image] : [image];
    case 'container':
    case 'network':
    case 'volume':
    case 'compose-project':
      return field === kind ? [name, id] : [];
  }
}

function fileOf(source: string | undefined): string | undefined {
  return source === undefined ? undefined : readSource(source).line.replace(/:\d+$/, '');
}

function invalid(pattern: unknown, reason: string): CastoffError {
  return new CastoffError(
    'CONFIG_INVALID',
    `ignore: got ${JSON.stringify(pattern)}: ${reason}; give a name, or ${fields.map((field) => `${field}:…`).join(', ')}, with * as a wildcard`,
  );
}
