import { describe, expect, it } from '@jest/globals';
import { runJudged } from '../support/judged-jest';

/** Blocks the folder for journals with a file, as a full disk would. */
const unwritable = `
  const { rmSync, writeFileSync } = require('node:fs');
  const { dirname, join } = require('node:path');
  const Docker = require('dockerode');
  const { sleeper } = require('./sleeper.js');

  const run = process.env.SPEC_RUN;
  const folder = join(dirname(run), /run-(\\w+)/.exec(run)[1]);
  afterAll(() => rmSync(folder));

  test('forgets one that is not in the journal', async () => {
    writeFileSync(folder, '');
    await new Docker().createContainer(sleeper);
  });
`;

const unlabelled = `
  const { request } = require('node:http');
  const { once } = require('node:events');
  const { sleeper } = require('./sleeper.js');

  test('creates one by a request that was sent at once', async () => {
    const headers = ['Host', 'docker', 'Content-Type', 'application/json'];
    const socketPath = '/var/run/docker.sock';
    const creation = request({ socketPath, path: '/containers/create', method: 'POST', headers });
    creation.end(JSON.stringify(sleeper));
    const [response] = await once(creation, 'response');
    response.resume();
    await once(response, 'end');
    expect(response.statusCode).toBe(201);
  });
`;

const files = {
  'jest.config.js': `process.env.DOCKER_CONFIG = require('node:path').join(__dirname, 'docker-config');
    const { withCastoff } = require('castoff/jest-preset');
    module.exports = withCastoff({ transform: {}, globalSetup: './setup.js' });`,
  'setup.js': 'module.exports = () => void (process.env.SPEC_RUN = process.env.CASTOFF_RUN);',
  'docker-config/config.json': '{ "auths": ',
  'unwritable.test.js': unwritable,
  'unlabelled.test.js': unlabelled,
};

describe.each([
  ['in band', ['--runInBand']],
  ['in workers', ['--maxWorkers', '2']],
])('a run %s with a broken docker configuration that it does not need', (_, args) => {
  it('reports a leak that is not in the journal, and fails for a creation without labels', async () => {
    const { exitCode, verdict, stderr } = await runJudged('both-ways', {
      args: [...args, 'unwritable', 'unlabelled'],
      env: { DOCKER_HOST: 'unix:///var/run/docker.sock' },
      files,
    });
    expect(stderr).toMatch(/Tests: +2 passed, 2 total/);
    expect(verdict.leaks).toMatchObject([{ state: 'gone', test: 'forgets one that is not in the journal' }]);
    expect(verdict.failures).toEqual([expect.stringMatching(/1 creation went out without castoff's labels/)]);
    expect(stderr).toContain('POST /containers/create: its headers had been written');
    expect(stderr).toContain('write the journal: ');
    expect(exitCode).toBe(1);
  });
});
