import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import { listTargets } from '../../lib/engine/list-targets';
import { specImage } from '../support/spec-image';
import { docker } from '../support/things';

const name = `castoff-spec-unnamed-${randomBytes(6).toString('hex')}`;

describe('the list of what carries a label', () => {
  afterAll(async () => {
    for (const { Id } of await docker.listImages({ filters: { label: [name] } }))
      await docker.getImage(Id).remove();
  });

  it('has an image without a name by its id alone: `<none>:<none>` is nothing to ask for', async () => {
    const container = await docker.createContainer({ Image: specImage, Labels: { [name]: '' } });
    const { Id: unnamed } = await container.commit({ repo: name, comment: 'the name goes on to the next' });
    const { Id: named } = await container.commit({ repo: name });
    await container.remove();
    const listed = await listTargets(await connectEngine(), [name], ['image']);
    expect(listed.find(({ id }) => id === unnamed)).toMatchObject({ name: '', tags: [] });
    expect(listed.find(({ id }) => id === named)).toMatchObject({ name: `${name}:latest` });
  });
});
