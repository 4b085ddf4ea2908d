import { describe, expect, it } from '@jest/globals';
import { Wait } from 'testcontainers';
import { describeStart } from '../../lib/scope/starts-under-way';
import { describeStrategy } from '../../lib/scope/wait-strategy';

describe('a start in progress', () => {
  it.each([
    [Wait.forLogMessage('ready'), "log 'ready'"],
    [Wait.forLogMessage(/ready|up/), 'log /ready|up/'],
    [Wait.forHttp('/health', 8080), 'HTTP /health at port 8080'],
    [Wait.forSuccessfulCommand('pg_isready'), "command 'pg_isready'"],
    [Wait.forHealthCheck(), 'its health check'],
    [Wait.forListeningPorts(), 'its ports'],
    [Wait.forOneShotStartup(), 'its exit'],
    [Wait.forAll([Wait.forListeningPorts(), Wait.forLogMessage('up')]), "its ports and log 'up'"],
  ])('%#: is described by the shape of its wait strategy', (strategy, text) => {
    expect(describeStrategy(strategy)).toBe(text);
  });

  it('is described with its waiting time and its startup timeout', () => {
    const start = {
      key: 'k',
      what: 'RedisContainer',
      source: 'a.test.js:3',
      scope: 's',
      engine: 'e',
      sinceMs: 0,
    };
    const wait = { containerId: 'c', what: "log 'ready'", sinceMs: 1_000, limitMs: 20_000 };
    expect(describeStart({ ...start, wait }, 3_400)).toBe(
      "start of RedisContainer (a.test.js:3) has been waiting for log 'ready' for 2.4 s; its own limit is 20 s",
    );
    expect(describeStart({ ...start, source: undefined }, 3_400)).toBe(
      'start of RedisContainer has been running for 3.4 s',
    );
  });
});
