import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openScope } from '../../lib/index';
import type { RemovableKind } from '../../lib/core/kinds';
import { cleanupByKind } from '../support/cleanup-by-kind';
import { openSshServer, type SshServer } from '../support/ssh-server';
import { createIdleContainer, createIdleThing, exists } from '../support/things';

describe('over ssh', () => {
  let server: SshServer;
  const pathBefore = process.env['PATH'];
  beforeAll(async () => {
    server = await openSshServer('unix:///var/run/docker.sock');
    process.env['PATH'] = server.path;
  });
  afterAll(async () => {
    process.env['PATH'] = pathBefore;
    await server.close();
  });

  const kinds: readonly RemovableKind[] = ['container', 'network', 'volume', 'image'];
  it.each(kinds)('cleanup of a %s verifies its removal', async (kind) => {
    const id = await createIdleThing(kind);
    const result = await cleanupByKind[kind](id, { engine: server.address, postMortem: true });
    expect(result).toMatchObject({ outcome: 'removed' });
    expect(await exists(kind, id)).toBe(false);
  });

  it('a scope removes twelve containers at once', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, () => createIdleContainer()));
    const scope = openScope('remote', { engine: server.address });
    for (const id of ids) await scope.adopt(id);
    const { ends } = await scope.close();
    expect(ends.map(({ result }) => result?.outcome)).toEqual(ids.map(() => 'removed'));
    expect(await Promise.all(ids.map((id) => exists('container', id)))).toEqual(ids.map(() => false));
  });
});
