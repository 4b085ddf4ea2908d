import { isAbsolute, posix } from 'node:path';
import { safeForTerminal } from '../core/safe-text';
import { readSource } from '../core/source-line';
import type { FinalState, UnremovedResource, ResourceRecord, Verdict } from './verdict';
import { describeEnd, formatLifetime, displayName, describeCreator } from './describe-record';

type Level = 'error' | 'warning';
interface Note {
  readonly level: Level;
  readonly source?: string | undefined;
  readonly title: string;
  readonly message: string;
}

/**
 * The verdict as commands to GitHub's runner, a line each: it shows them at the lines that they are about. Empty where all is well.
 *
 * @param options.folder - From the repository's root to where the sources' paths begin, such as `packages/shop`. Default: there.
 * @see docs.github.com, "Workflow commands for GitHub Actions": setting an error message; actions/toolkit, `command.ts`: escaping
 */
export function githubAnnotations(verdict: Verdict, options: { readonly folder?: string } = {}): string {
  const level: Level = verdict.mode === 'fail' ? 'error' : 'warning';
  const notes: readonly Note[] = [
    ...verdict.leaks.map((leak) => ({
      level,
      source: leak.source,
      title: titleOf(leak),
      message: leakWords(leak),
    })),
    ...verdict.left.map((left) => ({
      level: 'error' as const,
      source: left.thing.source,
      title: titleOf(left.thing),
      message: leftWords(left),
    })),
    ...verdict.failures.map((message) => ({
      level: 'error' as const,
      title: 'castoff: the end of the run',
      message,
    })),
  ];
  return notes.map((note) => commandOf(note, options.folder ?? '')).join('');
}

function titleOf(thing: Pick<ResourceRecord, 'kind' | 'id' | 'name'>): string {
  return `castoff: ${displayName(thing)}`;
}

function leakWords(leak: ResourceRecord): string {
  const image = leak.image === undefined ? '' : ` of ${leak.image}`;
  return `leak: ${displayName(leak)}${image} outlived the test file of '${describeCreator(leak)}'; it lived ${formatLifetime(leak)}, removed: ${describeEnd(leak)}`;
}

const looks: Readonly<Record<FinalState, string>> = {
  there: 'it is still on the engine',
  gone: 'it went later',
  unknown: 'the engine did not say whether it is still there',
};

function leftWords({ thing, failure, lastLook }: UnremovedResource): string {
  const state = looks[lastLook];
  return `${displayName(thing)} of '${describeCreator(thing)}' could not be removed, ${state}${failure === undefined ? '' : `: ${failure}`}`;
}

function commandOf({ level, source, title, message }: Note, folder: string): string {
  const place = source === undefined ? undefined : readSource(source).line;
  const [, path = place, line] = /^(.*):(\d+)$/s.exec(place ?? '') ?? [];
  const properties = {
    file: path === undefined ? undefined : isAbsolute(path) ? path : posix.join(folder, path),
    line,
    title,
  };
  const text = Object.entries(properties)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${escapeProperty(value)}`]))
    .join(',');
  return `::${level} ${text}::${escapeData(message)}\n`;
}

function escapeData(text: string): string {
  // Line ends are part of the message; other control characters are removed.
  const lines = text.split(/(\r|\n)/).map((part) => (/^[\r\n]$/.test(part) ? part : safeForTerminal(part)));
  return lines
    .join('')
    .replaceAll('##[', '## [')
    .replaceAll('%', '%25')
    .replaceAll('\r', '%0D')
    .replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
