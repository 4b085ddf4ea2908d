import { CastoffError, isCastoffError, messageOf } from '../core/errors';
import type { Engine } from '../engine/engine';

const advice =
  'podman alone uses no service, and castoff run can relay only one: start it (systemctl --user start podman.socket), and set DOCKER_HOST to its socket';

/**
 * Resolves to the engine of `castoff run`, unless the command is `podman` and the engine is not: a relay in front of
 * Docker sees nothing of what `podman` does.
 *
 * @param file - The command's program.
 * @param connecting - The engine that castoff finds.
 * @throws CastoffError `CONFIG_INVALID` for that; `ENGINE_UNREACHABLE` when no engine answers. Both have what to do.
 */
export async function engineForCommand(file: string, connecting: Promise<Engine>): Promise<Engine> {
  if (!/(?:^|[\\/])podman(?:-remote)?(?:\.exe)?$/i.test(file)) return connecting;
  const engine = await connecting.catch((error: unknown) => {
    if (!isCastoffError(error, 'ENGINE_UNREACHABLE')) throw error;
    throw new CastoffError('ENGINE_UNREACHABLE', `${messageOf(error)}\n${advice}`, { cause: error });
  });
  if (engine.isPodman) return engine;
  throw new CastoffError(
    'CONFIG_INVALID',
    `run ${file}: the engine at ${engine.address} is Docker; ${advice}`,
  );
}
