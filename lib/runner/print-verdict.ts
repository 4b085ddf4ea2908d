import { safeJson } from '../core/safe-text';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, relative, sep } from 'node:path';
import { formatVerdict } from '../verdict/format-verdict';
import { formatAnnotations } from '../verdict/github-annotations';
import { verdictJson } from '../verdict/verdict-json';
import type { Verdict } from '../verdict/verdict';

/**
 * Prints the verdict on standard error, where Jest prints its results; standard output may be read as JSON.
 * On GitHub, prints annotations as well.
 *
 * @param kept - Description of the kept resources; may be empty.
 */
export function printVerdict(
  verdict: Verdict,
  kept: string,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  const columns = process.stderr.isTTY ? process.stderr.columns : undefined;
  const hasColour = hasColours(environment);
  const annotations =
    environment['GITHUB_ACTIONS'] === 'true'
      ? formatAnnotations(verdict, { folder: folderWithin(environment['GITHUB_WORKSPACE']) })
      : '';
  const parts = [formatVerdict(verdict, { columns, hasColour }), kept].filter((part) => part !== '');
  process.stderr.write(`${parts.join('\n')}${annotations}`);
}

/** Writes the verdict as JSON. Creates the file's folder if necessary. */
export async function writeReport(verdict: Verdict, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${safeJson(verdictJson(verdict))}\n`);
}

/** Returns the working directory, which sources are relative to, relative to the repository's root. */
function folderWithin(workspace: string | undefined): string {
  const folder = relative(workspace ?? '.', '.');
  return folder.startsWith('..') || isAbsolute(folder) ? '' : folder.replaceAll(sep, '/');
}

/** Decides as Jest does: by FORCE_COLOR, else by the terminal's capabilities, which respect NO_COLOR. */
function hasColours({ FORCE_COLOR: forced }: Readonly<Record<string, string | undefined>>): boolean {
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return process.stderr.isTTY && process.stderr.hasColors();
}
