import { basename } from 'node:path';
import { parseFields } from '../core/fields';

/** What Compose derives the name of a project from, where its command has none. */
export interface ProjectNameSources {
  /** The project's folder, and its path without symbolic links. */
  readonly folders: readonly string[];
  /** The texts of its `.env` files. */
  readonly variables: readonly string[];
  /** The texts of its Compose files. */
  readonly composeFiles: readonly string[];
  /** Whether `docker compose` reads them: version 1 of `docker-compose` ignores a name in a Compose file. */
  readonly isPlugin: boolean;
}

/**
 * Returns the name that Compose gives to a project; `undefined` where Compose alone knows it, and where its versions
 * differ: a wrong name may belong to another project.
 *
 * @see docker compose, "Specify a project name"
 */
export function projectNameIn(sources: ProjectNameSources): string | undefined {
  const ofVariables = new Set(sources.variables.flatMap(namesInVariables));
  if (ofVariables.size > 0) return onlyName(ofVariables);
  const ofFiles = new Set(sources.composeFiles.flatMap(namesInComposeFile));
  if (ofFiles.size > 0) return sources.isPlugin ? onlyName(ofFiles) : undefined;
  return onlyName(new Set(sources.folders.map((folder) => nameOfFolder(basename(folder)))));
}

/** Returns the only name; `undefined` if there are several, or one that Compose replaces or rejects. */
function onlyName(names: ReadonlySet<string>): string | undefined {
  const [name = ''] = names;
  return names.size === 1 && /^[a-z0-9][a-z0-9_-]*$/.test(name) ? name : undefined;
}

/** Returns an empty name for other variables of Compose, which may select other files. */
function namesInVariables(text: string): readonly string[] {
  const assignments = text.matchAll(/^\s*(?:export\s+)?(COMPOSE_\w+)\s*[=:]\s*(.*)$/gm);
  return [...assignments].map(([, variable, value = '']) =>
    variable === 'COMPOSE_PROJECT_NAME' ? plainText(value) : '',
  );
}

/** Returns an empty name for text that only a parser of YAML understands. */
function namesInComposeFile(text: string): readonly string[] {
  const [first = ''] = /^(?!\s*#|---|%)[^\r\n]*\S/m.exec(text.replace(/^\uFEFF/, '')) ?? [];
  if (/^\s*\{/.test(first)) {
    const fields = parseFields(text);
    if (fields === undefined) return [''];
    return 'name' in fields ? [String(fields['name'])] : [];
  }
  if (/^[\s?]/.test(first)) return [''];
  return [...text.matchAll(/^(?:name|"name"|'name')\s*:(.*)$/gm)].map(([, value = '']) => plainText(value));
}

/** Returns the text of a value without quotes and comment. */
function plainText(value: string): string {
  const [, quoted, plain] = /^\s*(?:(["'].*["'])|([^\s#]*))\s*(?:#.*)?$/.exec(value) ?? [];
  return quoted === undefined ? (plain ?? '') : quoted.slice(1, -1);
}

/** Version 1 keeps leading dashes and underscores, and version 2 does not: then no name is returned. */
function nameOfFolder(folder: string): string {
  return folder.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '');
}
