import { relative } from 'node:path';

/** The line after the one that calls this, as reports name it: `spec/unit/scope.spec.ts:12`. */
export function nextLine(): string {
  const [, , frame = ''] = (new Error('here').stack ?? '').split('\n');
  const [, file = '', line = ''] = /\(?(\/[^()]*):(\d+):\d+\)?$/.exec(frame) ?? [];
  return `${relative(process.cwd(), file)}:${Number(line) + 1}`;
}
