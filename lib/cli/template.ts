import { formatDuration } from '../core/durations';
import { CastoffError } from '../core/errors';
import { safeForLog } from '../core/safe-text';
import type { ResourceRow, SessionRow } from './session-rows';

const fields: Readonly<Record<string, (resource: ResourceRow, session: SessionRow) => string>> = {
  session: (_, { session }) => session,
  state: (_, { state }) => state,
  proof: (_, { proof }) => proof,
  kind: ({ kind }) => kind,
  id: ({ id }) => id,
  name: ({ name }) => name,
  age: ({ ageMs }) => (ageMs === undefined ? '' : formatDuration(Math.max(0, ageMs))),
  owner: ({ owner }) => owner ?? '',
  source: ({ source }) => source ?? '',
};

/**
 * Returns a function that formats each resource of a session as one line. `{{name}}`, and `{{.Name}}` as `docker`
 * writes it, are replaced by fields of the resource; `\t` and `\n` are a tab and a line end.
 *
 * @throws CastoffError `CONFIG_INVALID` for a field that does not exist, or a text without any field.
 */
export function compileTemplate(template: string): (session: SessionRow) => string {
  const placeholder = /\{\{\s*\.?(\w*)\s*\}\}/g;
  const named = [...template.matchAll(placeholder)].map(([, name = '']) => name.toLowerCase());
  const unknown = named.find((name) => !Object.hasOwn(fields, name));
  if (named.length === 0 || unknown !== undefined) {
    const known = Object.keys(fields).map((name) => `{{${name}}}`);
    throw new CastoffError(
      'CONFIG_INVALID',
      `--format: got ${JSON.stringify(template)}; give json, table, or a template with ${known.join(', ')}`,
    );
  }
  const text = template.replaceAll(String.raw`\t`, '\t').replaceAll(String.raw`\n`, '\n');
  return (session) =>
    session.things
      .map(
        (resource) =>
          `${text.replaceAll(placeholder, (_, name: string) =>
            safeForLog(fields[name.toLowerCase()]?.(resource, session) ?? ''),
          )}\n`,
      )
      .join('');
}
