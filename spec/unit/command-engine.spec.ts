import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { engineEnvironment, ownEngineOf } from '../../lib/commands/command-engine';

const names = ['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG'];
const before = { ...process.env };
const setAll = (values: NodeJS.ProcessEnv): void => {
  for (const name of names) {
    if (values[name] === undefined) delete process.env[name];
    else process.env[name] = values[name];
  }
};
beforeEach(() => setAll({}));
afterAll(() => setAll(before));

const lineOf = (text: string, env: NodeJS.ProcessEnv = {}) => {
  const args = text.split(' ');
  return { file: args[0] ?? '', args, env: { ...process.env, ...env } };
};

describe('the engine of a docker command', () => {
  it.each([
    ['docker run x', {}],
    ['docker -H tcp://a:1 run x', { DOCKER_HOST: 'tcp://a:1' }],
    ['docker --host=tcp://a:1 compose up', { DOCKER_HOST: 'tcp://a:1' }],
    ['docker -c east run x', { DOCKER_CONTEXT: 'east', DOCKER_HOST: undefined }],
    ['docker --context east run x', { DOCKER_CONTEXT: 'east', DOCKER_HOST: undefined }],
    ['docker --config /tmp/other run x', { DOCKER_CONFIG: '/tmp/other' }],
    ['docker-compose -H tcp://a:1 up', { DOCKER_HOST: 'tcp://a:1' }],
  ])('is found by the environment and the flags of %s', (text, changes) => {
    const line = lineOf(text, { DOCKER_HOST: 'unix:///env.sock' });
    expect(engineEnvironment(line)).toEqual({ ...line.env, ...changes });
  });

  it('cannot be found for the connections of podman', () => {
    expect(engineEnvironment(lineOf('podman --connection east run x'))).toBeUndefined();
  });

  it.each([
    ['docker run x', {}, {}],
    ['docker -H unix:///var/run/docker.sock run x', {}, { address: 'unix:///var/run/docker.sock' }],
    ['docker -H unix:///other.sock run x', {}, undefined],
    ['docker -H a:1 run x', { DOCKER_HOST: 'tcp://a:1' }, { address: 'tcp://a:1' }],
    ['docker -H unix:///var/run/docker.sock run x', { DOCKER_HOST: 'tcp://a:1' }, undefined],
    ['docker -H unix:///var/run/docker.sock run x', { DOCKER_CONTEXT: 'east' }, undefined],
    ['docker -H ftp://a run x', {}, undefined],
    ['docker --context east run x', { DOCKER_CONTEXT: 'east' }, {}],
    ['docker --context east run x', {}, undefined],
    ['docker --config /tmp/other run x', {}, undefined],
  ])('is one that this process uses, or not: %s with %j', (text, own, expected) => {
    setAll(own);
    expect(ownEngineOf(lineOf(text))).toEqual(expected);
  });

  it('is of others when the environment of the command names another one', () => {
    expect(ownEngineOf(lineOf('docker run x', { DOCKER_HOST: 'tcp://a:1' }))).toBeUndefined();
  });
});
