import { readFileSync, readlinkSync } from 'node:fs';

/** What stands in a file of the system, without the blanks around it; `undefined`: it is not there, not for us, or empty. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch {
    // ENOENT: no Linux, no /proc, no such device; EACCES: not for us; EINVAL: a network card that is down. It is not known.
    return undefined;
  }
}

/** Where a link of the system points; `undefined`: that is not known. */
export function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // As above; ENOENT also for a device that is made by software.
    return undefined;
  }
}
