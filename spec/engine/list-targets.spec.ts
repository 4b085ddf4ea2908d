import { randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import { listTargets } from '../../lib/engine/list-targets';
import { specImage } from '../support/spec-image';
import { docker } from '../support/things';

const name = `castoff-spec-unnamed-${randomBytes(6).toString('hex')}`;

describe('the list of resources with a label', () => {
  afterAll(async () => {
    for (const { Id } of await docker.listImages({ filters: { label: [name] } }))
      await docker.getImage(Id).remove();
  });

  it('has only the id of an unnamed image: `<none>:<none>` is not a valid reference', async () => {
    const container = await docker.createContainer({ Image: specImage, Labels: { [name]: '' } });
    const { Id: unnamed } = await container.commit({ repo: name, comment: 'the name goes on to the next' });
    const { Id: named } = await container.commit({ repo: name });
    await container.remove();
    const listed = await listTargets(await connectEngine(), [name], ['image']);
    expect(listed.find(({ id }) => id === unnamed)).toMatchObject({ name: '', tags: [] });
    expect(listed.find(({ id }) => id === named)).toMatchObject({ name: `${name}:latest` });
  });
});
