import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { firstPidNamespace, readNamespace } from './owner-linux';
import { readLink, readText } from './system-file';

/** Inode of the initial UTS namespace. @see linux, include/uapi/linux/nsfs.h */
const firstUtsNamespace = '4026531838';

/**
 * Returns a hash that identifies this Linux machine across boots, or `undefined` when it cannot be
 * determined.
 *
 * The machine id is not enough: clones of a disk share it, and so do all containers of an image. It also
 * takes a network card, and a process outside containers, where neither id nor host name are the machine's
 * own. After a change of cards it counts as another machine, about which nothing is proven: that is the safe
 * side.
 *
 * @param root - Root of the machine's file system. Default: `/`.
 * @see machine-id(5): unique per installation, must not be exposed
 */
export function readLinuxMachine(root = '/'): string | undefined {
  if (readNamespace('pid') !== firstPidNamespace || readNamespace('uts') !== firstUtsNamespace)
    return undefined;
  return machineUnder(root);
}

/** Like {@link readLinuxMachine}, for a machine whose files are under `root`. */
export function machineUnder(root: string): string | undefined {
  if (existsSync(join(root, '.dockerenv')) || existsSync(join(root, 'run/.containerenv'))) return undefined;
  const id = readText(join(root, 'etc/machine-id'));
  const cards = readCards(root);
  if (id === undefined || !/^[0-9a-f]{32}$/.test(id) || cards.length === 0) return undefined;
  return hashMachine([id, ...cards]);
}

/** Hashes the identifiers of a machine, so that they cannot be read from labels. */
export function hashMachine(parts: readonly string[]): string {
  return createHash('sha256')
    .update(['castoff machine', ...parts].join('\n'))
    .digest('hex')
    .slice(0, 32);
}

function readCards(root: string): readonly string[] {
  const net = join(root, 'sys/class/net');
  const wired = listFolder(net)
    .map((name) => join(net, name))
    .filter((path) => isBuiltIn(path))
    .map((path) => readText(join(path, 'address')));
  // A wireless card may use a random address; this is its permanent one.
  const wireless = join(root, 'sys/class/ieee80211');
  const radios = listFolder(wireless).map((name) => readText(join(wireless, name, 'macaddress')));
  const known = [...wired, ...radios].filter(
    (address) => address !== undefined && !/^(00:)*00$/.test(address),
  );
  return [...new Set(known as string[])].toSorted();
}

/**
 * Whether a network card is neither virtual nor on USB, and has its permanent address. @see linux,
 * addr_assign_type: 0 is the permanent address
 */
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
