import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { timeouts } from '../core/timeouts';
import type { Endpoint } from './endpoint';

const run = promisify(execFile);

/**
 * Resolves to the host where the engine at `endpoint` publishes the ports of containers; to `undefined` for this
 * machine. Over ssh, it is the host that the configuration of `ssh` has for the name in the address, which may be an
 * alias. Never rejects.
 *
 * @see ssh(1), `-G`
 */
export async function findPublishedHost({ transport }: Endpoint): Promise<string | undefined> {
  if (transport.type !== 'ssh') return transport.type === 'tcp' ? transport.host : undefined;
  const { destination, port } = transport;
  const named = destination.replace(/^.*@/, '');
  const options = ['-G', ...(port === undefined ? [] : ['-p', String(port)])];
  try {
    const { stdout } = await run('ssh', [...options, '--', destination], { timeout: timeouts.pingMs });
    return /^hostname (\S+)$/m.exec(stdout)?.[1] ?? named;
  } catch {
    // OpenSSH before 6.8 has no -G: exit code 255.
    return named;
  }
}
