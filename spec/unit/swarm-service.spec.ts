import { describe, expect, it } from '@jest/globals';
import type { RawAnswer } from '../../lib/engine/answers';
import { ask, type Answer } from '../../lib/engine/engine';
import type { ServiceFacts } from '../../lib/engine/service-calls';
import { decideService, serviceOf, ServiceTurns } from '../../lib/resources/swarm-service';

const service = { id: 'kg4md8x6z669ne4k1y6pep233', name: 'web' };
const matchesTarget = (labels: Readonly<Record<string, string>>) => labels['castoff.session'] === 's';
const found = (labels: Record<string, string>): Answer<ServiceFacts> => ({
  meaning: 'done',
  value: { name: 'web', labels },
});
const refused = ({ status, message }: RawAnswer): Promise<Answer<ServiceFacts>> =>
  ask('service.inspect', service.id, { timeoutMs: 1_000 }, () =>
    Promise.reject(Object.assign(new Error(message), { statusCode: status, json: { message } })),
  );

describe('the container of a Swarm service', () => {
  it('is removed with a service that has the labels', () => {
    expect(decideService(service, found({ 'castoff.session': 's' }), matchesTarget)).toEqual({
      type: 'remove-service',
    });
  });

  it('is kept with a service that does not have the labels', () => {
    expect(decideService(service, found({ 'castoff.session': 'other' }), matchesTarget)).toEqual({
      type: 'leave',
      reason: 'belongs to service web (kg4md8x6z669), which does not have these labels; remove the service',
      isFinal: true,
    });
  });

  // Captured from Docker 20.10.24, but for the worker's: moby, daemon/cluster/errors.go
  it.each([
    ['has been removed', 404, 'service kg4md8x6z669ne4k1y6pep233 not found', { type: 'none' }],
    [
      'belongs to a swarm that the node has left',
      503,
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
      { type: 'none' },
    ],
    [
      'only a manager can inspect',
      503,
      "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state.",
      { type: 'leave', isFinal: true },
    ],
    ['a proxy answers for', 503, 'upstream connect error', { type: 'leave', isFinal: false }],
    ['an engine without swarms does not know', 404, 'page not found', { type: 'leave', isFinal: true }],
  ])('is handled for a service that %s', async (_what, status, message, step) => {
    expect(decideService(service, await refused({ status, message }), matchesTarget)).toMatchObject(step);
  });

  it('is recognised by its labels', () => {
    const labels = { 'com.docker.swarm.service.id': service.id, 'com.docker.swarm.service.name': 'web' };
    expect(serviceOf(labels)).toEqual(service);
    expect(serviceOf({ 'com.docker.compose.project': 'web' })).toBeUndefined();
  });

  it('is tried once for its service, and skipped while the service is kept', () => {
    const turns = new ServiceTurns();
    const labels = { 'com.docker.swarm.service.id': service.id };
    expect([turns.take(labels), turns.take(labels), turns.take({})]).toEqual([true, false, true]);
    expect(turns.isLeft(labels)).toBe(false);
    turns.settle(labels, 'left');
    expect([turns.isLeft(labels), turns.take(labels), turns.isLeft({})]).toEqual([true, false, false]);
    turns.settle(labels, 'gone');
    expect(turns.take(labels)).toBe(true);
  });
});
