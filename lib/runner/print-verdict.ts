import { safeJson } from '../core/safe-text';
import { type Environment } from '../core/environment';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, relative, sep } from 'node:path';
import { formatVerdict } from '../verdict/format-verdict';
import type { Verdict } from '../verdict/verdict';

/**
 * Prints the verdict on standard error, where Jest prints its results; standard output may be read as JSON.
 * On GitHub, prints annotations as well.
 *
 * @param kept - Description of the kept resources; may be empty.
 */
export async function printVerdict(verdict: Verdict, kept: string, environment: Environment): Promise<void> {
  const columns = process.stderr.isTTY ? process.stderr.columns : undefined;
  const hasColour = hasColours(environment);
  const annotations = environment.GITHUB_ACTIONS === 'true' ? await annotate(verdict, environment) : '';
  const parts = [formatVerdict(verdict, { columns, hasColour }), kept].filter((part) => part !== '');
  process.stderr.write(`${parts.join('\n')}${annotations}`);
}

// Loaded with their first use: a run without containers needs neither.
async function annotate(verdict: Verdict, environment: Environment): Promise<string> {
  const { formatAnnotations } = await import('../verdict/github-annotations.ts');
  return formatAnnotations(verdict, { folder: folderWithin(environment.GITHUB_WORKSPACE) });
}

/** Writes the verdict as JSON. Creates the file's folder if necessary. */
export async function writeReport(verdict: Verdict, path: string): Promise<void> {
  const { verdictJson } = await import('../verdict/verdict-json.ts');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${safeJson(verdictJson(verdict))}\n`);
}

/** Returns the working directory, which sources are relative to, relative to the repository's root. */
function folderWithin(workspace: string | undefined): string {
  const folder = relative(workspace ?? '.', '.');
  return folder.startsWith('..') || isAbsolute(folder) ? '' : folder.replaceAll(sep, '/');
}

/** Decides as Jest does: by FORCE_COLOR, else by the terminal's capabilities, which respect NO_COLOR. */
function hasColours({ FORCE_COLOR: forced }: Environment): boolean {
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return process.stderr.isTTY && process.stderr.hasColors();
}
