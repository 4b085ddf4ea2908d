import { afterEach, expect, it, jest } from '@jest/globals';
import { GenericContainer } from 'testcontainers';
import { openScope, openSession } from '../../lib/index';
import { claimLabels } from '../../lib/registry/claims';
import { removeLeftovers } from '../support/leftovers';
import { thingsOfSession } from '../support/session-child';
import { sleeper, specImage } from '../support/spec-image';
import { createIdleContainer, exists, uniqueName } from '../support/things';
import { removeThingsOfThisFile } from '../support/things-of-file';
import { until } from '../support/until';

afterEach(async () => {
  jest.restoreAllMocks();
  await removeThingsOfThisFile();
  await removeLeftovers();
});

const goneTimeoutMs = 30_000;

it('closing a session removes all resources with its labels, and no others', async () => {
  const session = await openSession();
  const forgotten = await createIdleContainer({ Labels: session.labels });
  const bystander = await createIdleContainer();
  await session.close();
  expect(await until(async () => !(await exists('container', forgotten)), goneTimeoutMs, 50)).toBe(true);
  expect(await exists('container', bystander)).toBe(true);
});

it('closing a session removes resources that were claimed while it was open', async () => {
  const label = { 'org.testcontainers.session-id': uniqueName() };
  await using session = await openSession();
  await claimLabels([`org.testcontainers.session-id=${label['org.testcontainers.session-id']}`]);
  const claimed = await createIdleContainer({ Labels: label });
  await session.close();
  expect(await until(async () => !(await exists('container', claimed)), goneTimeoutMs, 50)).toBe(true);
});

it('closing a session keeps the resources of other scopes of its process', async () => {
  const scope = openScope('another');
  const session = await openSession();
  await scope.start(new GenericContainer(specImage).withCommand(sleeper).withNetworkMode('none'));
  await session.close();
  const [container, ...others] = await thingsOfSession(session.id);
  expect(container).toMatch(/^container /);
  expect(others).toEqual([]);
  const isGone = async () => (await thingsOfSession(session.id)).length === 0;
  expect(await until(isGone, 1_500, 100)).toBe(false);
  await scope.close();
  expect(await isGone()).toBe(true);
});

it('a second session shares the lease of the first, and the last one to close ends it', async () => {
  const first = await openSession();
  const second = await openSession();
  expect(second.reaper).toBe(first.reaper);
  const made = await createIdleContainer({ Labels: first.labels });
  await first.close();
  expect(await until(async () => !(await exists('container', made)), 1_500, 100)).toBe(false);
  await second.close();
  expect(await until(async () => !(await exists('container', made)), goneTimeoutMs, 50)).toBe(true);
});

it('a session that is closed twice gives up its share of the lease once', async () => {
  const warning = jest.spyOn(process, 'emitWarning');
  const first = await openSession();
  const second = await openSession();
  await Promise.all([first.close(), first.close(), first[Symbol.asyncDispose]()]);
  const made = await createIdleContainer({ Labels: second.labels });
  expect(await until(async () => !(await exists('container', made)), 1_500, 100)).toBe(false);
  await second.close();
  expect(await until(async () => !(await exists('container', made)), goneTimeoutMs, 50)).toBe(true);
  expect(warning).not.toHaveBeenCalled();
});
