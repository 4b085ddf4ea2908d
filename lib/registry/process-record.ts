import type { Owner } from '../core/labels';
import type { EntryOwner } from './entry';
import { parseEntryOwner } from './parse-entry';
import { oneOf, parseDate, parseByTable, parseText, type ParseFields } from './parse-fields';

/** A child process that a scope or `castoff run` started, as a journal records it. */
export interface ProcessRecord {
  readonly key: string;
  /** The process: the leader of its group, or a member that has outlived the leader. */
  readonly process: Owner;
  /** The number of its process group. */
  readonly group: number;
  /** Whether it leads no group: only it and its descendants are ended. Default: its group is. */
  readonly isTree?: true | undefined;
  /** The command line that started it. */
  readonly command: string;
  readonly owner: EntryOwner;
  readonly startedAt: Date;
  readonly state: 'running' | 'ended';
}

const processFields: ParseFields<Owner> = {
  host: parseText,
  machine: parseText,
  boot: parseText,
  pid: parsePid,
  pidStart: parseText,
  pidNamespace: parseText,
  container: parseText,
  run: parseText,
};

const fields: ParseFields<ProcessRecord> = {
  key: parseText,
  process: (value) => parseByTable(processFields, ['host', 'boot', 'pid', 'pidStart', 'pidNamespace'], value),
  group: parsePid,
  isTree: (value) => (value === true ? value : undefined),
  command: parseText,
  owner: parseEntryOwner,
  startedAt: parseDate,
  state: oneOf(['running', 'ended']),
};

/** Returns the record that `value`, parsed from JSON, represents; `undefined` when it is not one. */
export function parseProcessRecord(value: unknown): ProcessRecord | undefined {
  const required = ['key', 'process', 'group', 'command', 'owner', 'startedAt', 'state'] as const;
  return parseByTable(fields, required, value);
}

/** Not 1, which as the number of a group means every process. @see kill(2) */
function parsePid(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) > 1 ? (value as number) : undefined;
}
