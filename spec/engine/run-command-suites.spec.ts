import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testcontainersSessionLabels } from '../../lib/core/labels';
import { listLabelled, runCommandRun, type CommandRunCall } from '../support/command-run';
import { writeComposeFile } from '../support/compose-command';
import { removeLeftovers } from '../support/leftovers';
import { conformanceImage } from '../support/ryuk-stage';
import { specImage } from '../support/spec-image';
import { isLong } from '../support/spec-size';
import { createRunningContainer, docker, specLabel, uniqueName } from '../support/things';
import { until } from '../support/until';

const exec = promisify(execFile);
const root = join(__dirname, '../..');
const suites = join(root, 'spec/fixtures/suites');
/** What the commands create is named and labelled so. */
const name = uniqueName();
const environment = { NAME: name, IMAGE: specImage, PYTHONDONTWRITEBYTECODE: '1' };
const mocha = [process.execPath, join(root, 'node_modules/mocha/bin/mocha.js'), '--no-config', '--exit', join(suites, 'mocha.cjs')]; // prettier-ignore
/** Before the last line of a test suite's output. */
const suiteLine = /^session ([-0-9a-f]+): run in a container$/m;

let folder = '';
let bystanders: readonly { inspect(): Promise<unknown> }[] = [];
let before: readonly unknown[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'castoff-suites-'));
  bystanders = await createBystanders();
  before = await inspectBystanders();
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await removeLeftovers();
});

/** Creates resources of others with names and labels that resemble those of the commands. */
async function createBystanders(): Promise<readonly { inspect(): Promise<unknown> }[]> {
  const Labels = {
    ...specLabel,
    [`${name}2`]: '1',
    'com.docker.compose.project': `${name}2`,
    'org.testcontainers': 'true',
    'org.testcontainers.session-id': '00000000-0000-4000-8000-000000000000',
  };
  const network = await docker.createNetwork({ Name: `${name}_default2`, Labels });
  await docker.createVolume({ Name: `${name}2`, Labels });
  const Binds = [`${name}2:/data`];
  const options = { name: `${name}-web-12`, Labels, HostConfig: { NetworkMode: network.id, Binds } };
  const id = await createRunningContainer(options);
  return [docker.getContainer(id), network, docker.getVolume(`${name}2`)];
}

async function inspectBystanders(): Promise<readonly unknown[]> {
  return Promise.all(bystanders.map((one) => one.inspect()));
}

/**
 * Runs a command by `castoff run`, and compares what it wrote to standard output with what arrived. Fails when
 * something of its session is left, or a bystander has changed.
 */
async function runCommand(command: readonly string[], { options = [], env, cwd = root }: CommandRunCall) {
  const [output, report] = [join(folder, uniqueName()), join(folder, uniqueName())];
  const kept = ['sh', '-c', '"$@" >"$0"; status=$?; cat "$0"; exit $status', output, ...command];
  const { bytes, ...end } = await runCommandRun(kept, {
    options: [...options, '--report', report],
    env: { ...environment, ...env },
    cwd,
  });
  const { session }: { session: string } = JSON.parse(await readFile(report, 'utf8'));
  expect(bytes.toString('latin1')).toBe(await readFile(output, 'latin1'));
  expect(await listLabelled(`castoff.session=${session}`)).toEqual([]);
  expect(await listLabelled(name)).toEqual([]);
  expect(await inspectBystanders()).toEqual(before);
  return end;
}

/**
 * Runs a test suite with the reaper of Testcontainers, too, which ends within some seconds after it. Resolves to what
 * is left of the session of Testcontainers.
 */
async function runWithRyuk(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const timeout = '5s';
  const events = (await docker.getEvents({ filters: { event: ['create'] } })) as Readable;
  let created = '';
  events.on('data', (chunk: Buffer) => (created += chunk.toString()));
  const { code, stdout, stderr } = await runCommand(command, {
    env: {
      RYUK_CONTAINER_IMAGE: conformanceImage,
      RYUK_RECONNECTION_TIMEOUT: timeout,
      TESTCONTAINERS_RYUK_DISABLED: 'false',
      TESTCONTAINERS_RYUK_RECONNECTION_TIMEOUT: timeout,
      ...env,
    },
  });
  const [, session = 'none'] = suiteLine.exec(stdout) ?? [];
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(suiteLine) });
  const listReapers = () => docker.listContainers({ all: true, filters: { name: [session] } });
  expect(await until(() => new RegExp(`"(testcontainers-ryuk-|reaper_)${session}"`).test(created))).toBe(
    true,
  );
  events.destroy();
  expect(stderr).toContain('castoff: 3 leaks among ');
  expect(await until(async () => (await listReapers()).length === 0, 20_000, 200)).toBe(true);
  const labels = testcontainersSessionLabels.map((label) => `${label}=${session}`);
  return (await Promise.all(labels.map((label) => listLabelled(label)))).flat();
}

const withoutRyuk = { options: ['--disable-ryuk'] };
const threeLeaks = /^castoff: 3 leaks among 1 container, 1 network, 1 volume: /m;

describe('castoff run leaves nothing of', () => {
  it('a suite of Mocha, with testcontainers', async () => {
    const { code, stdout, stderr } = await runCommand(mocha, withoutRyuk);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: expect.stringMatching(suiteLine),
      stderr: expect.stringMatching(threeLeaks),
    });
  });

  it('a script of npm that runs in a subfolder', async () => {
    const sub = join(folder, 'app/src');
    await mkdir(sub, { recursive: true });
    const create = `docker create --label ${name} -v /data ${specImage} >/dev/null && echo "in $PWD" && exit 6`;
    await writeFile(join(folder, 'app/package.json'), JSON.stringify({ scripts: { e2e: create } }));
    const { code, stdout, stderr } = await runCommand(['npm', 'run', 'e2e'], { cwd: sub });
    expect({ code, stdout }).toEqual({ code: 6, stdout: expect.stringMatching(/^in .*\/app$/m) });
    expect(stderr).toMatch(/^castoff: 1 leak among 1 container: /m);
  });

  it('a command that is killed', async () => {
    const script = `docker run -d --label ${name} --net none ${specImage} sleep 60 >/dev/null; echo up; kill -KILL $$`;
    const { signal, stdout, stderr } = await runCommandRun(['sh', '-c', script]);
    expect({ signal, stdout }).toEqual({ signal: 'SIGKILL', stdout: 'up\n' });
    expect(stderr).toMatch(/^castoff: 1 leak among 1 container: /m);
    expect(await listLabelled(name)).toEqual([]);
  });

  it('a daemon that is creating when the command ends', async () => {
    const daemon = `while docker create --label ${name} ${specImage}; do :; done`;
    const script = `setsid sh -c '${daemon}' >/dev/null 2>&1 & echo $!
      until [ "$(docker ps -aq --filter label=${name} | wc -l)" -gt 2 ]; do :; done`;
    const { code, stdout } = await runCommand(['sh', '-c', script], {});
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\n$/) });
  });

  if (isLong) {
    it('a suite of Mocha, with testcontainers and Ryuk', async () => {
      expect(await runWithRyuk(mocha)).toEqual([]);
    }, 120_000);

    it('a suite of pytest, with testcontainers for Python, without and with Ryuk', async () => {
      const python = (await exec(join(root, 'docker/python-client.sh'))).stdout.trim();
      const file = join(suites, 'test_suite.py');
      const pytest = [python, '-m', 'pytest', '-q', '-s', '-p', 'no:cacheprovider', file];
      const { code, stdout, stderr } = await runCommand(pytest, withoutRyuk);
      expect({ code, stdout, stderr }).toEqual({
        code: 0,
        stdout: expect.stringMatching(suiteLine),
        stderr: expect.stringMatching(threeLeaks),
      });
      expect(await runWithRyuk(pytest)).toEqual([]);
    }, 300_000);

    it('a suite of Go, with testcontainers for Go, without and with Ryuk', async () => {
      const cache = (await exec(join(root, 'docker/go-client.sh'), { timeout: 280_000 })).stdout.trim();
      const prefix = uniqueName();
      const env = {
        PATH: `${process.env['PATH']}:/usr/local/go/bin`,
        GOMODCACHE: join(cache, 'mod'),
        GOCACHE: join(cache, 'build'),
        // The library has no setting for its reaper's image but a prefix for all of them.
        TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX: prefix,
      };
      const go = ['sh', '-c', `cd ${join(suites, 'go')} && go test -v -count=1 ./...`];
      const names = [
        [specImage, specImage],
        [conformanceImage, 'testcontainers/ryuk:0.14.0'],
      ] as const;
      for (const [image, alias] of names) await exec('docker', ['tag', image, `${prefix}/${alias}`]);
      try {
        const { code, stdout, stderr } = await runCommand(go, { ...withoutRyuk, env });
        expect({ code, stdout, stderr }).toEqual({
          code: 0,
          stdout: expect.stringMatching(suiteLine),
          stderr: expect.stringMatching(threeLeaks),
        });
        expect(await runWithRyuk(go, env)).toEqual([]);
      } finally {
        for (const [, alias] of names) await exec('docker', ['rmi', `${prefix}/${alias}`]);
      }
    }, 400_000);

    it('docker and Compose v1 and v2 in one script', async () => {
      const DOCKER_CONFIG = (await exec(join(root, 'docker/compose-plugin.sh'))).stdout.trim();
      const service = {
        image: specImage,
        command: 'sleep 600',
        labels: [name],
        volumes: ['data:/data', '/more'],
      };
      await using file = await writeComposeFile({
        version: '3.5',
        services: { web: service },
        volumes: { data: {} },
      });
      const versions: string[] = [];
      for (const compose of ['docker-compose', 'docker compose']) {
        const script = `docker run -d --label ${name} --net none -v /data ${specImage} sleep 60
          ${compose} -p ${name} up -d && ${compose} version --short`;
        const call = { cwd: file.folder, env: { DOCKER_CONFIG } };
        const { code, stdout, stderr } = await runCommand(['sh', '-c', script], call);
        expect(code).toBe(0);
        expect(stderr).toMatch(/^castoff: 4 leaks among 2 containers, 1 network, 1 volume: /m);
        expect(await listLabelled(`com.docker.compose.project=${name}`)).toEqual([]);
        versions.push(/^v?(\d+)\.\d+\.\d+\S*$/m.exec(stdout)?.[1] ?? stdout);
      }
      // Where docker-compose is the plugin, it has the same version.
      expect(versions).toEqual([expect.stringMatching(/^[1-9]$/), expect.stringMatching(/^[2-9]$/)]);
    }, 180_000);
  }
});
