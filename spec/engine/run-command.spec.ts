import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { built } from '../support/built';
import { listLabelled, runCommandRun, runScript, startCommandRun } from '../support/command-run';
import { compose, composeCommand, writeComposeFile } from '../support/compose-command';
import { removeLeftovers } from '../support/leftovers';
import { isRunning } from '../support/process-state';
import { sleeper, specImage } from '../support/spec-image';
import { createRunningContainer, docker, exists, specLabel, uniqueName } from '../support/things';
import { until } from '../support/until';

const label = uniqueName();
/** A shell command that creates a container which is not started. */
const create = `docker create --label ${label} ${specImage}`;
const shell = sleeper.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`).join(' ');
const service = { image: specImage, entrypoint: 'true', labels: [label] };

afterAll(async () => {
  expect(await listLabelled(label)).toEqual([]);
  await removeLeftovers();
});

describe('castoff run', () => {
  it('removes what docker and Compose create, leaves all else alone, and changes neither output nor exit code', async () => {
    const bystander = await createRunningContainer();
    await using file = await writeComposeFile({
      version: '3.5',
      services: { web: service },
      volumes: { data: {} },
    });
    const project = uniqueName();
    const up = [...(await composeCommand()), '-p', project, 'up', '--no-start'].join(' ');
    const script = `docker run -d --label ${label} --net none ${specImage} ${shell} >/dev/null; ${up} >/dev/null 2>&1
      printf 'caf\\303\\251\\0\\377 no newline'; exit 3`;
    const { code, stdout, stderr } = await runScript(script, { cwd: file.folder });
    expect(code).toBe(3);
    expect(stdout).toBe(Buffer.from('caf\u00e9\0\u00ff no newline').toString().replace('\u00ff', '\ufffd'));
    expect(stderr).toMatch(
      /^castoff: 4 leaks among 2 containers, 1 network, 1 volume: still present when the command ended$/m,
    );
    expect(stderr).toMatch(
      new RegExp(
        `^  container ${project}_web_1 .*by castoff$|^  container ${project}-web-1 .*by castoff$`,
        'm',
      ),
    );
    expect(await listLabelled(label)).toEqual([]);
    expect(await listLabelled(`com.docker.compose.project=${project}`)).toEqual([]);
    expect(await exists('container', bystander)).toBe(true);
  });

  it('exits with 1 for leaks if they fail the run, and reports them and the time of the engine as JSON', async () => {
    const file = join(tmpdir(), uniqueName(), 'report.json');
    const options = ['--leaks', 'fail', '--report', file];
    const { code, stdout } = await runScript(`${create} >/dev/null; echo done`, { options });
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'done\n' });
    const report: object = JSON.parse(await readFile(file, 'utf8'));
    expect(report).toMatchObject({
      version: 1,
      isFailure: true,
      leaks: [{ kind: 'container', outcome: 'removed', image: specImage }],
      status: { code: 0 },
      engineTime: expect.arrayContaining([{ call: 'create', count: 1, totalMs: expect.any(Number) }]),
    });
  });

  it('exits with 1 if its report cannot be written', async () => {
    const { code, stderr } = await runCommandRun(['true'], {
      options: ['--report', '/dev/null/report.json'],
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^castoff: write the report: E/m);
  });

  it('removes a volume that a container brought by its name, and keeps one that existed', async () => {
    const [kept, brought] = [uniqueName(), uniqueName()];
    await docker.createVolume({ Name: kept, Labels: specLabel });
    const mounts = `-v ${kept}:/kept -v ${brought}:/brought`;
    const { stderr } = await runScript(
      `docker rm $(${create.replace('create', `create ${mounts}`)}) >/dev/null`,
    );
    expect(stderr).toContain('castoff: 1 leak among 1 container, 1 volume: ');
    expect(stderr).toMatch(new RegExp(`^  volume ${brought} .*by castoff$`, 'm'));
    expect(await exists('volume', kept)).toBe(true);
    expect(await exists('volume', brought)).toBe(false);
  });

  it('does not report a volume as leaked whose container could not be created', async () => {
    const volume = uniqueName();
    const script = `docker create --pull never -v ${volume}:/data castoff-spec-none 2>/dev/null; true`;
    const { code, stderr } = await runScript(script, { options: ['--leaks', 'fail'] });
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'castoff: 1 volume, all gone\n' });
    expect(await exists('volume', volume)).toBe(false);
  });

  it('prints one line if nothing is left, or leaks are off', async () => {
    const [none, off] = await Promise.all([
      runScript(`docker rm $(${create}) >/dev/null`),
      runScript(`${create} >/dev/null`, { options: ['--leaks', 'off'] }),
    ]);
    expect(none).toMatchObject({ code: 0, stderr: 'castoff: 1 container, all gone\n' });
    expect(off).toMatchObject({ code: 0, stderr: 'castoff: 1 container, all gone\n' });
  });

  it('uses the exit codes of docker run for what it cannot start', async () => {
    const [missing, noProgram, noEngine, noCommand, badHost, noService] = await Promise.all([
      runCommandRun(['castoff-spec-no-such-command']),
      runCommandRun(['/etc/passwd']),
      runCommandRun(['true'], { env: { DOCKER_HOST: 'unix:///castoff-spec/none.sock' } }),
      runCommandRun([]),
      runCommandRun(['true'], { options: ['--host', 'ftp://x'] }),
      runCommandRun(['podman', 'ps'], { env: { DOCKER_HOST: 'unix:///castoff-spec/none.sock' } }),
    ]);
    const codes = [missing, noProgram, noEngine, noCommand, badHost, noService].map(({ code }) => code);
    expect(codes).toEqual([127, 126, 125, 125, 125, 125]);
    expect(noService.stderr).toMatch(/^podman alone uses no service, .* set DOCKER_HOST to its socket$/m);
    expect(noEngine.stderr).toMatch(/no such socket\nstart Docker or Podman/);
  });

  it('leaves a Compose project alone of which something existed', async () => {
    await using file = await writeComposeFile({ version: '3.5', services: { web: service, more: service } });
    const project = uniqueName();
    const words = [...(await composeCommand()), '-p', project].join(' ');
    await compose(['-f', join(file.folder, 'docker-compose.yml'), '-p', project, 'up', '--no-start', 'web']);
    const { code, stderr } = await runScript(`${words} up --no-start 2>/dev/null`, { cwd: file.folder });
    expect(code).toBe(0);
    expect(stderr).toBe(
      `castoff: the Compose project ${project} existed before the command: castoff leaves all of it alone\n`,
    );
    expect(await listLabelled(`com.docker.compose.project=${project}`)).toHaveLength(3);
    await compose(['-f', join(file.folder, 'docker-compose.yml'), '-p', project, 'down']);
  });

  it('removes anonymous volumes that the command leaves, by a prune, and for another of its containers', async () => {
    const createOne = `id=$(${create.replace('create', 'create -v /data')}); volume=$(docker inspect -f '{{range .Mounts}}{{.Name}}{{end}}' $id); echo $volume`;
    const recreate = create.replace('create', 'create -v $volume:/data');
    const { stdout, stderr } = await runScript(`exec 3>&1; {
      ${createOne} >&3; docker rm $id
      ${createOne} >&3; docker container prune -f --filter label=${label}
      ${createOne} >&3; ${recreate}; docker rm $id
    } >/dev/null`);
    expect(stderr).toMatch(/^castoff: 4 leaks among 4 containers, 3 volumes: /);
    const names = stdout.trim().split('\n');
    expect(names).toHaveLength(3);
    for (const name of names) {
      expect(stderr).toMatch(new RegExp(`^  volume ${name.slice(0, 12)} .*by castoff$`, 'm'));
      expect(await exists('volume', name)).toBe(false);
    }
  });

  it('keeps what a failed command leaves, if asked to, and prints how to remove it', async () => {
    const name = uniqueName();
    const { code, stderr } = await runScript(`docker create --name ${name} ${specImage} >/dev/null; exit 4`, {
      options: ['--keep-failed'],
    });
    expect(code).toBe(4);
    expect(stderr).toMatch(/^castoff: kept for the failed command, /m);
    expect(stderr).toContain(`docker rm -f -v ${name}`);
    await docker.getContainer(name).remove();
  });

  it('guards what the command did not create, if asked to', async () => {
    const bystander = await createRunningContainer();
    const theirs = `${uniqueName()}:1`;
    const { id: ryuk } = await docker.createContainer({
      Image: specImage,
      Labels: { ...specLabel, 'org.testcontainers.ryuk': 'true' },
    });
    const script = `env -u DOCKER_HOST docker tag ${specImage} ${theirs}; own=$(${create}); docker stop ${bystander}; docker rm -f ${bystander} ${ryuk}; docker rmi ${specImage}
      docker container prune -f >/dev/null && docker rm -f $own castoff-spec-none >/dev/null; docker tag ${specImage} ${label}:1 && docker rmi ${label}:1`;
    const { stdout, stderr } = await runScript(script, { options: ['--guard'] });
    await docker.getImage(theirs).remove();
    expect(stdout).toBe(`Untagged: ${label}:1\n`);
    const refused = stderr.match(/castoff run --guard refuses to \w+ \w+/g);
    expect(refused).toEqual(
      ['stop container', 'remove container', 'remove container', 'remove image'].map(
        (what) => `castoff run --guard refuses to ${what}`,
      ),
    );
    expect(await exists('container', bystander)).toBe(true);
    expect(await exists('container', ryuk)).toBe(true);
  });

  it('keeps the images that the command builds, or removes those that nothing else uses', async () => {
    const [name, other] = [uniqueName(), uniqueName()];
    const file = `FROM ${specImage}\\nLABEL ${Object.entries(specLabel)[0]?.join('=')}\\nLABEL name=`;
    const build = `printf '${file}${name}' | DOCKER_BUILDKIT=0 docker build -q -t ${name} - >/dev/null 2>&1`;
    const kept = await runScript(build);
    expect(kept.stderr).toMatch(
      new RegExp(`^castoff: kept 1 image \\(\\d+\\.\\d MB: ${name}:latest\\) that the command built$`, 'm'),
    );
    const theirs = build
      .replaceAll(name, `${other}-theirs`)
      .replace('docker build', 'env -u DOCKER_HOST docker build');
    const failed = `docker tag castoff-spec-none ${other}-theirs 2>/dev/null`;
    const removed = await runScript(
      `${failed}; ${theirs}; ${build.replaceAll(name, other)}; docker tag ${name} ${other}:2`,
      {
        options: ['--images', 'remove'],
      },
    );
    expect(removed.stderr).toContain(`castoff: removed 1 image (`);
    expect(await exists('image', `${other}:latest`)).toBe(false);
    expect(await exists('image', `${other}:2`)).toBe(true);
    expect(await exists('image', `${other}-theirs`)).toBe(true);
    await docker.getImage(`${other}-theirs`).remove();
    await docker.getImage(`${other}:2`).remove();
    await docker.getImage(name).remove();
  });

  it('removes what testcontainers leaves, without its own reaper if asked to', async () => {
    const program = `const { GenericContainer } = require('testcontainers');
      new GenericContainer('${specImage}').withCommand(['sleep', '60']).withLabels({ '${label}': '1' }).start().then((one) => {
        console.log(one.getHost());
        process.exit(5);
      });`;
    const { code, stdout, stderr } = await runCommandRun([process.execPath, '-e', program], {
      options: ['--disable-ryuk'],
    });
    expect({ code, stdout }).toEqual({ code: 5, stdout: 'localhost\n' });
    expect(stderr).toMatch(/^castoff: 1 leak among 1 container: /);
  });

  it('leaves what an inner castoff run creates to that one, which alone reports it', async () => {
    const inner = [process.execPath, built.cli, 'run', '--', 'sh', '-c', `${create} >/dev/null`];
    const { code, stderr } = await runCommandRun(inner, { options: ['--leaks', 'fail'] });
    expect(code).toBe(0);
    expect(stderr.match(/^castoff: .*/gm)).toEqual([
      'castoff: 1 leak among 1 container: still present when the command ended',
    ]);
  });
});

describe('the processes of castoff run', () => {
  it('forwards signals, and ends by the signal that ended the command', async () => {
    const caught = startCommandRun(['sh', '-c', 'trap "echo caught; exit 7" TERM; trap "echo one" USR1; echo up; while :; do sleep 0.05; done']); // prettier-ignore
    await caught.printed('up');
    caught.kill('SIGUSR1');
    await caught.printed('one');
    caught.kill('SIGTERM');
    expect(await caught.ended).toMatchObject({ code: 7, stdout: 'up\none\ncaught\n' });
    const ended = startCommandRun(['sh', '-c', `${create} >/dev/null; echo up; exec sleep 60`]);
    await ended.printed('up');
    ended.kill('SIGINT');
    expect(await ended.ended).toMatchObject({ code: null, signal: 'SIGINT' });
  });

  it('ends at once with the command on the second Ctrl-C, and leaves the rest to the reaper', async () => {
    const script = `${create} >/dev/null; trap "echo caught" INT; echo $$; while :; do sleep 0.05; done`;
    const run = startCommandRun(['sh', '-c', script]);
    await run.printed('\n');
    const pid = Number(run.stdout());
    run.kill('SIGINT');
    await run.printed('caught');
    let hasEnded = false;
    void run.ended.then(() => (hasEnded = true));
    // The first 200 ms after a signal, the same one does not count as another.
    await until(
      () => {
        if (!hasEnded) run.kill('SIGINT');
        return hasEnded;
      },
      20_000,
      100,
    );
    const { signal, stderr } = await run.ended;
    expect(signal).toBe('SIGINT');
    expect(stderr).toContain("SIGINT: exiting at once; the run's resources are left to the reaper");
    expect(isRunning(pid)).toBe(false);
    expect(await until(async () => (await listLabelled(label)).length === 0)).toBe(true);
  });

  it('gives the terminal to the command, which reads a password from it', async () => {
    const inner = `${process.execPath} ${built.cli} run -- sh -c 'test -t 1 && ${create} >/dev/null && stty -echo && printf password: >/dev/tty && read word </dev/tty && stty echo && echo got $word'`;
    const script = `{ sleep 0; until grep -q password: ${label}; do sleep 0.05; done; echo secret; } | script -qefc "${inner.replaceAll('$', '\\$')}" ${label} >/dev/null; cat ${label}`;
    const { code, stdout } = await runCommandRun(['sh', '-c', script], {
      cwd: tmpdir(),
      options: ['--leaks', 'off'],
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/password:got secret/);
  });

  it('removes what a daemon of the command has created, and lets the daemon run', async () => {
    const daemon = `setsid sh -c "${create} >/dev/null; exec sleep 60" >/dev/null 2>&1 & echo $!`;
    const run = startCommandRun([
      'sh',
      '-c',
      `${daemon}; until [ "$(docker ps -aq --filter label=${label})" ]; do sleep 0.05; done`,
    ]);
    const { code, stdout } = await run.ended;
    const pid = Number(/\d+/.exec(stdout)?.[0]);
    expect(code).toBe(0);
    expect(isRunning(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
    expect(await listLabelled(label)).toEqual([]);
  });
});
