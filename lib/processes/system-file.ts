import { readFileSync, readlinkSync } from 'node:fs';

/** Returns the trimmed content of a system file, or `undefined` when it is missing, empty or unreadable. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch {
    // ENOENT: no Linux, no /proc, no such device; EACCES: no permission; EINVAL: a network card that is down.
    return undefined;
  }
}

/** Returns the target of a system link, or `undefined` when it is missing or unreadable. */
export function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // As above; ENOENT also for a virtual device.
    return undefined;
  }
}
