import { execFileSync } from 'node:child_process';
import { messageOf } from '../core/errors';
import { timeouts } from '../core/timeouts';
import { warnCapture } from '../core/warnings';
import type { CommandLine } from '../commands/launch';
import { connectEngine } from '../engine/connect';
import { valueOf } from '../engine/engine';
import { inspectImage } from '../engine/image-calls';
import type { RegistryEntry } from '../registry/entry';
import type { TrackedResources } from './tracked-resources';

/**
 * Whether none of `names` is that of an image yet: an image that had its name before belongs to others. Blocks, by
 * the same command as the user's, which cannot wait for a request. False, with a warning, if the command fails.
 *
 * @see docker and podman, `images --quiet`
 */
export function areNewNames({ file, env }: CommandLine, names: readonly string[]): boolean {
  return names.every((name) => {
    try {
      const printed = execFileSync(file, ['images', '--quiet', name], {
        env: { ...env },
        encoding: 'utf8',
        timeout: timeouts.inspectMs,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      return printed.trim() === '';
    } catch (error) {
      warnCapture(`look for image ${name}`, error, 'castoff leaves it alone');
      return false;
    }
  });
}

/** Records the image that a command has given a new name: the name is removed with the run. Never rejects. */
export async function recordName(
  { options }: TrackedResources,
  { key, name = '' }: RegistryEntry,
  address: string | undefined,
): Promise<void> {
  try {
    const engine = (await connectEngine(address)).within({ timeoutMs: timeouts.inspectMs });
    const inspected = await inspectImage(engine, name);
    if (inspected.meaning === 'gone')
      options.registry.update(key, { state: 'gone', outcome: 'never-created' });
    else {
      const { id: identity } = valueOf(inspected);
      options.registry.update(key, { state: 'present', id: name, identity, engine: engine.address });
    }
  } catch (error) {
    warnCapture(`inspect image ${name}`, error, 'it may be left behind');
    options.registry.update(key, { state: 'unknown', failure: messageOf(error) });
  }
}
