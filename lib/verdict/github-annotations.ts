import { isAbsolute, posix } from 'node:path';
import { formatDuration } from '../core/durations';
import { safeForTerminal } from '../core/safe-text';
import { readSource } from '../core/source-line';
import { formatHandleCount } from './handle-table';
import type { Creator, FinalState, OpenHandle, UnremovedResource, ResourceRecord, Verdict } from './verdict';
import { describeRemoval, formatLifetime, displayName, describeCreator } from './describe-record';

type Level = 'error' | 'warning';
interface Annotation {
  readonly title: string;
  readonly source?: string | undefined;
  /** The folder that the source is relative to. */
  readonly folder: string;
}

/**
 * Formats the verdict as workflow commands for GitHub Actions, one per line. GitHub shows each at the line
 * that created the resource or handle. The text is empty if the run has none that outlived its owner, and no
 * failures.
 *
 * @param options.folder - Folder that the sources are relative to, relative to the repository's root:
 * `packages/shop`. Default: the root itself.
 * @see docs.github.com, "Workflow commands for GitHub Actions": setting an error message; actions/toolkit,
 * `command.ts`: escaping
 */
export function formatAnnotations(verdict: Verdict, options: { readonly folder?: string } = {}): string {
  const { folder = '' } = options;
  const level: Level = verdict.mode === 'fail' ? 'error' : 'warning';
  const handleLevel: Level = verdict.handleMode === 'fail' ? 'error' : 'warning';
  const about = (resource: UnremovedResource | ResourceRecord) => ({
    title: `castoff: ${displayName(resource)}`,
    // That of a command's resource is a command line.
    source: verdict.creator === 'command' ? undefined : resource.owner.source,
    folder,
  });
  return [
    ...verdict.leaks.map((leak) => commandOf(level, leakMessage(leak, verdict.creator), about(leak))),
    ...verdict.handles.map((handle) => {
      const title = `castoff: ${formatHandleCount(handle)}`;
      return commandOf(handleLevel, handleMessage(handle), { title, source: handle.source, folder });
    }),
    ...verdict.left.map((left) => commandOf('error', unremovedMessage(left), about(left))),
    ...verdict.failures.map((message) =>
      commandOf('error', message, { title: 'castoff: closing the run', folder }),
    ),
  ].join('');
}

function leakMessage(leak: ResourceRecord, by: Creator = 'tests'): string {
  const image = leak.image === undefined ? '' : `, ${leak.image}`;
  const creator = describeCreator(leak);
  return `leak: ${displayName(leak)}${image}, created in '${creator}', outlived ${by === 'tests' ? 'its test file' : 'it'}; lifetime: ${formatLifetime(leak)}, removed: ${describeRemoval(leak)}`;
}

function handleMessage(handle: OpenHandle): string {
  const { test, scope, ageMs } = handle;
  return `still open: ${formatHandleCount(handle)}, created in '${test ?? scope}'; age: ${formatDuration(ageMs)}`;
}

const finalStates: Readonly<Record<FinalState, string>> = {
  there: 'could not be removed',
  gone: 'could not be removed at first',
  unknown: 'may still exist, the engine did not confirm its removal',
};

function unremovedMessage(left: UnremovedResource): string {
  const message = `${displayName(left)}, created in '${describeCreator(left)}', ${finalStates[left.lastLook]}`;
  return left.failure === undefined ? message : `${message}: ${left.failure}`;
}

function commandOf(level: Level, message: string, { title, source, folder }: Annotation): string {
  const fileAndLine = source === undefined ? undefined : readSource(source).line;
  const [, path = fileAndLine, line] = /^(.*):(\d+)$/s.exec(fileAndLine ?? '') ?? [];
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
  // A message may have several lines; other control characters are removed.
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
