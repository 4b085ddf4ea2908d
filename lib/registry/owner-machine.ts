import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { firstPidNamespace, readNamespace } from './owner-linux';
import { readLink, readText } from './system-file';

/** @see linux, include/uapi/linux/nsfs.h */
const firstUtsNamespace = '4026531838';

/**
 * What makes this Linux machine this one, from boot to boot, as a hash; `undefined` where that cannot be told.
 *
 * The machine id alone does not: clones of one disk have the same, and so has every container of an image. It takes a network
 * card beside it, and a process that is in no container, for there neither id nor name are the machine's own. A card that
 * changes makes another machine, of which nothing is proven: that is the safe side.
 *
 * @param root - Where the machine's files are.
 * @see machine-id(5): unique per installation, never to be shown as it is
 */
export function readLinuxMachine(root = '/'): string | undefined {
  if (readNamespace('pid') !== firstPidNamespace || readNamespace('uts') !== firstUtsNamespace)
    return undefined;
  return machineUnder(root);
}

/** The same, of a machine whose files are under `root`. */
export function machineUnder(root: string): string | undefined {
  if (existsSync(join(root, '.dockerenv')) || existsSync(join(root, 'run/.containerenv'))) return undefined;
  const id = readText(join(root, 'etc/machine-id'));
  const cards = readCards(root);
  if (id === undefined || !/^[0-9a-f]{32}$/.test(id) || cards.length === 0) return undefined;
  return hashMachine([id, ...cards]);
}

export function hashMachine(parts: readonly string[]): string {
  return createHash('sha256')
    .update(['castoff machine', ...parts].join('\n'))
    .digest('hex')
    .slice(0, 32);
}

/** The addresses of the built-in cards, as they were made. */
function readCards(root: string): readonly string[] {
  const net = join(root, 'sys/class/net');
  const wired = listFolder(net)
    .map((name) => join(net, name))
    .filter((path) => isBuiltIn(path))
    .map((path) => readText(join(path, 'address')));
  // A wireless card may go by a made-up address; this is its own.
  const wireless = join(root, 'sys/class/ieee80211');
  const radios = listFolder(wireless).map((name) => readText(join(wireless, name, 'macaddress')));
  const known = [...wired, ...radios].filter(
    (address) => address !== undefined && !/^(00:)*00$/.test(address),
  );
  return [...new Set(known as string[])].toSorted();
}

/** Neither made by software, nor plugged in for a while, nor under an address that somebody set. @see linux, addr_assign_type: 0 is the card's own */
function isBuiltIn(path: string): boolean {
  const bus = basename(readLink(join(path, 'device/subsystem')) ?? '');
  return (
    bus !== '' &&
    bus !== 'usb' &&
    readText(join(path, 'addr_assign_type')) === '0' &&
    !existsSync(join(path, 'wireless'))
  );
}

function listFolder(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    // ENOENT: no such cards.
    return [];
  }
}
