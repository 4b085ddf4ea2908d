import { formatDuration } from '../core/durations';
import { shortenMiddle } from './fit-text';
import { formatFittedTable, type FittedColumn, type RenderOptions } from './fitted-table';
import { runnerAdvice } from './runner-advice';
import type { OpenHandle, RunnerName } from './verdict';

const columns: readonly FittedColumn<OpenHandle>[] = [
  { title: 'HANDLE', least: 16, text: formatHandleCount },
  // Never shortened: terminals and editors open it at a click.
  { title: 'CREATED AT', least: Infinity, text: ({ source }) => source ?? '' },
  { title: 'TEST', least: 12, text: ({ test, scope }) => test ?? scope },
  { title: 'AGE', least: 7, text: ({ ageMs }) => formatDuration(ageMs) },
];

/** Formats a table with one row per group of handles. */
export function formatHandleTable(handles: readonly OpenHandle[], options: RenderOptions): string {
  return formatFittedTable(columns, handles, options);
}

/** Formats a group of handles as `interval of 50 ms`, or `200 × interval of 50 ms`. */
export function formatHandleCount({ what, count }: Pick<OpenHandle, 'what' | 'count'>): string {
  return count === 1 ? what : `${count} × ${what}`;
}

/** Returns the lines that explain how to close `handles`. */
export function describeHandleFixes(
  handles: readonly OpenHandle[],
  runner: RunnerName = 'jest',
): readonly string[] {
  const { module, withOptions } = runnerAdvice[runner];
  const file = handles.find(({ source }) => source !== undefined)?.source?.replace(/:\d+$/, '');
  const pattern = `file:${shortenMiddle(file ?? '*', 40).replace('…', '*')}`;
  return [
    "To fix this, close what a test opens in 'afterEach' or 'afterAll', or give it to a scope:",
    `    import { scope, defer } from '${module}'`,
    "    scope.use(server)   defer('stop polling', () => poller.stop())   scope.spawn('poll', (signal) => …)",
    `If it is meant to stay open: ${withOptions(`ignore: ['${pattern}']`)}, or handles: 'off'.`,
  ];
}
