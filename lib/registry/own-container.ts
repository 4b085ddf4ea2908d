import { join } from 'node:path';
import { readText } from '../processes/system-file';

/**
 * Returns the id of the container that this process runs in, or `undefined` when there is none or it cannot
 * be determined. A file such as `/.dockerenv` proves nothing, since some machines have it. In a container
 * that joined another one's network, it is the other one's id.
 *
 * @param root - Folder that contains `/proc`. Default: `/`.
 */
export function readOwnContainerId(root = '/'): string | undefined {
  const mounts = readText(join(root, 'proc/self/mountinfo')) ?? '';
  const groups = readText(join(root, 'proc/self/cgroup')) ?? '';
  return parseMounts(mounts) ?? parseCgroups(groups);
}

/**
 * Returns the folder on the engine's machine that stores this container's writes, as mounted, or `undefined`
 * when it cannot be determined.
 *
 * @see linux, Documentation/filesystems/overlayfs.rst: upperdir
 */
export function readOwnUpperFolder(root = '/'): string | undefined {
  const lines = (readText(join(root, 'proc/self/mountinfo')) ?? '').split('\n');
  const mount = lines.find((line) => line.split(' ')[4] === '/');
  return / - overlay .*[ ,]upperdir=([^, ]+)/.exec(mount ?? '')?.[1];
}

/**
 * Docker and Podman mount per-container files over these: `612 590 254:0 /docker/containers/<id>/hostname
 * /etc/hostname rw,relatime - ext4 /dev/vda rw`.
 *
 * @see proc(5), /proc/pid/mountinfo: 4 root, 5 mount point
 */
function parseMounts(text: string): string | undefined {
  for (const line of text.split('\n')) {
    const [, , , root = '', mountPoint = ''] = line.split(' ');
    if (!/^\/etc\/(?:hostname|hosts|resolv\.conf)$/.test(mountPoint)) continue;
    const id = /containers\/([0-9a-f]{64})\//.exec(root)?.[1];
    if (id !== undefined) return id;
  }
  return undefined;
}

/**
 * Without a cgroup namespace: `5:cpu:/docker/<id>`, `0::/system.slice/docker-<id>.scope`,
 * `0::/machine.slice/libpod-<id>.scope`.
 */
function parseCgroups(text: string): string | undefined {
  return /[/:](?:docker|libpod)[/-]([0-9a-f]{64})(?:\.scope)?(?:\/|$)/m.exec(text)?.[1];
}
