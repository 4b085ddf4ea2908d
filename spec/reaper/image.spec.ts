import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import type { Engine } from '../../lib/engine/engine';
import type { ImageName } from '../../lib/engine/import-image';
import { buildReaperImage } from '../../lib/lease/image';
import { contentLabel } from '../../lib/lease/image-recipe';
import { version } from '../../package.json';
import { holdProgram } from '../support/held-program';
import { removeLeftovers } from '../support/leftovers';
import { startRyuk } from '../support/ryuk-container';
import { specImage } from '../support/spec-image';
import { docker, exists, specLabel } from '../support/things';

const run = promisify(execFile);
const cli = join(__dirname, '../../dist/cli.js');

let engine: Engine;
const named: string[] = [];
const newName = (): ImageName => {
  const name = { repository: `castoff-spec/reaper-${randomBytes(4).toString('hex')}`, tag: '1' };
  named.push(`${name.repository}:${name.tag}`);
  return name;
};
const idOf = async (name: string): Promise<string> => (await docker.getImage(name).inspect()).Id;

const runToEnd = async (options: Docker.ContainerCreateOptions): Promise<{ code: number; log: string }> => {
  const container = await docker.createContainer({ Tty: true, Labels: specLabel, ...options });
  try {
    await container.start();
    const { StatusCode }: { StatusCode: number } = await container.wait();
    const log = await container.logs({ stdout: true, stderr: true });
    return { code: StatusCode, log: String(log).replaceAll('\r', '') };
  } finally {
    await container.remove({ force: true });
  }
};

let name: ImageName;
let image: string;
beforeAll(async () => {
  engine = await connectEngine();
  name = newName();
  const startedAt = performance.now();
  ({ name: image } = await buildReaperImage(engine, { name }));
  const { Size } = await docker.getImage(image).inspect();
  const ms = Math.round(performance.now() - startedAt);
  process.stdout.write(`the reaper's image: built in ${ms} ms, ${Math.round(Size / 1e6)} MB\n`);
});
afterAll(async () => {
  await removeLeftovers();
  const removed = await Promise.allSettled(named.map((each) => docker.getImage(each).remove()));
  // Not all of them have come to be.
  for (const end of removed)
    if (end.status === 'rejected') expect(end.reason).toHaveProperty('statusCode', 404);
});

describe("the reaper's image, made of the running Node", () => {
  it('is what clients of Ryuk look for', async () => {
    const { Config } = await docker.getImage(image).inspect();
    expect(Config.Labels).toMatchObject({ 'org.testcontainers.ryuk': 'true', 'castoff.reaper': 'true' });
    expect(Config.ExposedPorts).toEqual({ '8080/tcp': {} });
    expect(Config).not.toHaveProperty('Healthcheck');
    expect(Config.Entrypoint).toEqual(['/castoff/bind-then-run', 'node', '/castoff/reaper-server.js']);
    expect(Config.Cmd ?? []).toEqual([]);
    expect(Config.Env).toContainEqual(expect.stringMatching(/^PATH=.*\/usr\/local\/bin/));
  });

  it('runs as anybody who may use the socket, without a capability, on a root that it cannot write', async () => {
    const { gid } = await stat('/var/run/docker.sock');
    const { code, log } = await runToEnd({
      Image: image,
      User: '1000',
      Env: ['RYUK_CONNECTION_TIMEOUT=50ms', 'RYUK_RECONNECTION_TIMEOUT=50ms'],
      HostConfig: {
        Binds: ['/var/run/docker.sock:/var/run/docker.sock'],
        GroupAdd: [String(gid)],
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
      },
    });
    expect(log).toContain('Started!');
    expect(log).toContain('address=[::]:8080');
    expect(code).toBe(0);
  });

  // No sooner: Docker calls a container started a moment before its first program runs (seen: still `runc init`).
  it('loses no line that comes through its published port before Node is up', async () => {
    await using held = await holdProgram();
    const reaper = await startRyuk(image, {
      env: { RYUK_RECONNECTION_TIMEOUT: '10ms' },
      binds: [held.bind],
    });
    await held.untilAsked();
    const clients = Array.from({ length: 20 }, () => reaper.connect());
    await Promise.all(clients.map((client) => client.send('label=castoff-spec.line=')));
    const answers = clients.map((client) => client.claim(randomBytes(4).toString('hex')));
    expect(reaper.log()).toBe('');
    await held.release();
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 20 }, () => 'ACK'));
    await Promise.all(clients.map((client) => client.leave()));
    expect(await reaper.ended).toBe(0);
  });

  it('ends with one line when the port is none, before Node is up', async () => {
    const { code, log } = await runToEnd({ Image: image, Env: ['RYUK_PORT=http'] });
    expect({ code, log }).toEqual({
      code: 1,
      log: 'castoff reaper: RYUK_PORT http: give a port from 0 to 65535\n',
    });
  });

  it('is not made again of the same', async () => {
    const before = await idOf(image);
    expect(await buildReaperImage(engine, { name })).toMatchObject({ name: image, isBuilt: false });
    expect(await idOf(image)).toBe(before);
  });

  it('goes when one of another content takes its name, and what is not ours stays', async () => {
    const replaced = newName();
    const replacedName = `${replaced.repository}:${replaced.tag}`;
    await docker.getImage(specImage).tag({ repo: replaced.repository, tag: replaced.tag });
    await buildReaperImage(engine, { name: replaced });
    const ours = await idOf(replacedName);
    await buildReaperImage(engine, { name: replaced, base: specImage });
    expect(await exists('image', ours)).toBe(false);
    expect(await exists('image', specImage)).toBe(true);
  });
});

describe("the reaper's image, made on a base", () => {
  let onBase: string;
  beforeAll(async () => {
    ({ name: onBase } = await buildReaperImage(engine, { name: newName(), base: image }));
  });

  it('is configured as the other, whatever the base runs', async () => {
    const [{ Config: own }, { Config: other }] = (await Promise.all(
      [onBase, image].map((each) => docker.getImage(each).inspect()),
    )) as [Docker.ImageInspectInfo, Docker.ImageInspectInfo];
    expect({ ...own.Labels, [contentLabel]: '' }).toEqual({ ...other.Labels, [contentLabel]: '' });
    expect(own.Entrypoint).toEqual(other.Entrypoint);
    expect(own.Cmd ?? []).toEqual([]);
    expect(own.ExposedPorts).toEqual(other.ExposedPorts);
  });

  it("runs the reaper with the base's Node", async () => {
    const { log } = await runToEnd({ Image: onBase, Cmd: ['none-of-its-modes'] });
    expect(log).toMatch(/^castoff reaper: .*none-of-its-modes/);
  });

  it('says what the engine said of a base that is not to be had', async () => {
    const building = buildReaperImage(engine, { name: newName(), base: 'castoff-spec/nowhere:0' });
    await expect(building).rejects.toMatchObject({ code: 'ENGINE_REFUSED' });
    await expect(building).rejects.toThrow(/castoff-spec\/nowhere/);
  });
});

describe('castoff reaper image', () => {
  it('prints nothing but the name', async () => {
    const { stdout } = await run(process.execPath, [cli, 'reaper', 'image']);
    expect(stdout).toBe(`castoff/reaper:${version}\n`);
    expect(await exists('image', stdout.trim())).toBe(true);
  });

  it('fails when there is no engine', async () => {
    const env = { ...process.env, DOCKER_HOST: 'unix:///nowhere.sock' };
    const failing = run(process.execPath, [cli, 'reaper', 'image'], { env });
    await expect(failing).rejects.toMatchObject({
      stdout: '',
      stderr: expect.stringContaining('nowhere.sock'),
    });
  });
});
