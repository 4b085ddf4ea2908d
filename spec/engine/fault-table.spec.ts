import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { askEngine } from '../support/ask-engine';
import { printCalls } from '../support/fault-calls';
import { matching } from '../support/fault-pattern';
import { openFaultProxy } from '../support/fault-proxy';
import { ask, createContainer, direct, image, label, openProxyForEach } from '../support/fault-proxy-stage';
import { faultsOf, removalTarget, type RemovalTarget } from '../support/fault-table';
import { makeUndeletable } from '../support/fault-undeletable';

const stage = openProxyForEach();

describe('a seed', () => {
  it('disturbs the same calls in the same way, and another seed others', async () => {
    const [first, again, other] = [await faultsBySeed(7), await faultsBySeed(7), await faultsBySeed(8)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(new Set(first)).toEqual(new Set(['reset', 'lose-answer', 'answer', undefined]));
  });

  it('does not disturb calls that stream, hijack, build, create or start', async () => {
    stage.proxy.seed(1, { rate: 1, faults: [{ type: 'reset' }] });
    expect(await text(await stage.docker.getEvents({ since: 1, until: 2 }))).toBe('');
    const container = await stage.docker.createContainer({ Image: image, Labels: { [label]: '1' } });
    await container.start();
    await expect(container.inspect()).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(container.remove({ force: true })).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('is printed with the calls that it disturbed', async () => {
    stage.proxy.seed(3, { rate: 1, faults: [{ type: 'answer', status: 500 }] });
    await expect(stage.docker.listContainers()).rejects.toMatchObject({ statusCode: 500 });
    await stage.docker.ping();
    expect(printCalls(stage.proxy.calls)).toMatch(
      /^ {2}\d+ ms GET \/containers\/json {"type":"answer","status":500} 500 answered\n {2}\d+ ms GET \/_ping 200 answered$/,
    );
  });
});

async function faultsBySeed(seed: number): Promise<readonly unknown[]> {
  await using seeded = await openFaultProxy();
  const faults = [{ type: 'reset' }, { type: 'lose-answer' }, { type: 'answer', status: 500 }] as const;
  seeded.seed(seed, { rate: 0.5, faults });
  for (let nth = 0; nth < 20; nth += 1) {
    await Promise.allSettled([ask(seeded.socketPath, 'GET', '/containers/json')]);
    (await ask(seeded.socketPath, 'GET', '/_ping')).resume();
  }
  return seeded.calls.filter(matching('GET /containers/json')).map(({ fault }) => fault?.type);
}

describe('the fault table', () => {
  const volume = removalTarget('volume', label);
  const askedOnce = faultsOf(volume).filter(({ asked }) => asked === 'once');

  it.each(askedOnce)('leaves a volume $leaves: $name', async (row) => {
    await direct.createVolume({ Name: volume.ref, Labels: { [label]: '1' } });
    const armed = await row.arm(stage.proxy, volume);
    expect(await removeCarefully(volume)).toBe(row.leaves);
    const [first] = stage.proxy.calls;
    expect(first?.fault !== undefined || first?.status === 404).toBe(true);

    await armed.disarm();
    expect(await removeCarefully(volume)).toBe('gone');
    expect(stage.proxy.calls.at(-1)).not.toHaveProperty('fault');
  });

  it('shows a container as dead between two removals, and as it is before and after', async () => {
    const { id } = await createContainer();
    const target = removalTarget('container', id);
    const row = faultsOf(target).find(({ name }) => name === '409 in progress, then dead');
    const armed = await row?.arm(stage.proxy, target);
    const there = stage.docker.getContainer(id);
    expect((await there.inspect()).State.Status).toBe('created');
    await expect(there.remove({ force: true })).rejects.toMatchObject({
      statusCode: 409,
      json: { message: `removal of container ${id} is already in progress` },
    });
    expect(await there.wait({ condition: 'removed' })).toMatchObject({
      Error: { Message: expect.any(String) },
    });
    expect((await there.inspect()).State).toMatchObject({ Status: 'dead', Dead: true });
    await there.remove({ force: true });
    await expect(there.inspect()).rejects.toMatchObject({ statusCode: 404 });
    await armed?.disarm();
  });
});

/**
 * Removes like a careful client: retries until the resource does not exist, six times at most, 300 ms each.
 */
async function removeCarefully({ path }: RemovalTarget): Promise<'gone' | 'there'> {
  for (let attempt = 0; attempt < 6; attempt += 1) {
    const signal = AbortSignal.timeout(300);
    const [asked] = await Promise.allSettled([ask(stage.proxy.socketPath, 'DELETE', path, { signal })]);
    if (asked.status === 'rejected') continue;
    asked.value.resume();
    if (asked.value.statusCode === 404) break;
  }
  const { status } = await askEngine(stage.proxy.upstream, 'GET', path);
  return status === 404 ? 'gone' : 'there';
}

it('makes a container really undeletable, and undoes it', async () => {
  const { id } = await createContainer();
  const there = stage.docker.getContainer(id);
  {
    await using undeletable = await makeUndeletable(stage.proxy.upstream, id);
    const waiting = there.wait({ condition: 'removed' });
    await stage.proxy.until(({ status }) => status === 200);
    await expect(there.remove({ force: true })).rejects.toMatchObject({ statusCode: 500 });
    expect(await waiting).toMatchObject({ Error: { Message: expect.stringContaining('not permitted') } });
    expect((await there.inspect()).State.Status).toBe('dead');
    expect(undeletable).toBeDefined();
  }
  await there.remove({ force: true });
});
