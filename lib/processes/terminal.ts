import type * as Tty from 'node:tty';
import { parseStatFields } from './proc-stat';
import { readText } from './system-file';

/**
 * Whether a terminal sends the signals of its keys to this process, and to all others of its process group. On
 * platforms without `/proc`, a terminal as standard input counts.
 *
 * @see proc(5), /proc/pid/stat: 5 pgrp, 8 tpgid; -1 without a terminal
 */
export function isInForeground(): boolean {
  // Loaded on first use: `castoff run` starts its command without it.
  if (process.platform !== 'linux') return (require('node:tty') as typeof Tty).isatty(0);
  const [, , group, , , foreground] = parseStatFields(readText('/proc/self/stat') ?? '');
  return group !== undefined && group === foreground;
}
