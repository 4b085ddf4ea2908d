import { describe, expect, it } from '@jest/globals';
import { engineForCommand } from '../../lib/command-run/local-podman';
import { CastoffError } from '../../lib/core/errors';
import type { Engine } from '../../lib/engine/engine';

const address = 'unix:///run/engine.sock';
const found = (isPodman: boolean): Promise<Engine> => Promise.resolve({ address, isPodman } as Engine);

describe('a command that is podman itself', () => {
  it.each(['podman', '/usr/bin/podman', String.raw`C:\podman.exe`, 'podman-remote'])(
    'is relayed to a service of Podman, and refused with another engine: %s',
    async (file) => {
      expect(await engineForCommand(file, found(true))).toMatchObject({ address });
      await expect(engineForCommand(file, found(false))).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(/is Docker; podman alone uses no service.* set DOCKER_HOST/),
      });
    },
  );

  it('is refused without an engine, with what to do', async () => {
    const away = new CastoffError('ENGINE_UNREACHABLE', 'find a Docker engine: none answered');
    await expect(engineForCommand('podman', Promise.reject(away))).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringMatching(/^find a Docker engine: none answered\npodman alone uses no service/),
    });
    await expect(engineForCommand('make', Promise.reject(away))).rejects.toBe(away);
  });

  it.each(['make', '/opt/podman/bin/test', 'podman-compose', 'docker'])(
    'is not one of another name: %s',
    async (file) => {
      expect(await engineForCommand(file, found(false))).toMatchObject({ address });
    },
  );
});
