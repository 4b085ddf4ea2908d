import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const listening = '0A';

/** Returns the TCP sockets on which a process of this machine listens, from /proc. Linux only. */
export function tcpListenersOf(pid: number): readonly string[] {
  const own = readdirSync(`/proc/${pid}/fd`).map((fd) => readFd(pid, fd));
  return ['tcp', 'tcp6']
    .flatMap((table) => readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === listening && own.includes(`socket:[${columns[9]}]`))
    .map((columns) => String(columns[1]));
}

function readFd(pid: number, fd: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return ''; // ENOENT: it has been closed since the folder was listed.
  }
}
