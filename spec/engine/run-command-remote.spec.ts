import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { askEngine } from '../support/ask-engine';
import { built } from '../support/built';
import {
  listLabelled,
  runCommandRun,
  runScript,
  startCommandRun,
  type CommandEnd,
} from '../support/command-run';
import { composeCommand } from '../support/compose-command';
import type { SecondEngine } from '../support/engine-process';
import { openPodmanEngine } from '../support/podman-engine';
import { openRemoteEngines, type RemoteEngines } from '../support/remote-engines';
import { openReaperFolder } from '../support/session-child';
import { specImage } from '../support/spec-image';
import { isLong } from '../support/spec-size';
import { uniqueName } from '../support/things';
import { until } from '../support/until';

let engines: RemoteEngines;
const label = uniqueName();

beforeAll(async () => {
  engines = await openRemoteEngines();
});

afterAll(async () => {
  await engines[Symbol.asyncDispose]();
  expect(await listLabelled(label)).toEqual([]);
});

const create = `docker create --label ${label} ${specImage}`;
const castoff = `'${process.execPath}' '${built.cli}'`;
const dockerode = `'${process.execPath}' -e "new (require('${require.resolve('dockerode')}'))().ping().then((pong) => console.log('dockerode', String(pong)))"`;

describe('castoff run in front of a remote engine', () => {
  const script = `
    echo "$DOCKER_HOST;\${DOCKER_TLS_VERIFY+set}$DOCKER_TLS_VERIFY;$DOCKER_CERT_PATH;$DOCKER_CONTEXT;$TESTCONTAINERS_HOST_OVERRIDE;$TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE"
    ${create} >/dev/null; data=$(mktemp); back=$(mktemp)
    head -c 300000 /dev/urandom >$data
    docker run --rm -i --net none --label ${label} ${specImage} sh -c 'cat; echo after' <$data >$back
    { cat $data; echo after; } | cmp - $back && echo same; rm $data $back
    ${dockerode}
    cd / && HOME=/ ${castoff} run -- true && echo inner
    exit 3`;
  const sample = ['byVariables', 'bySsh'] as const;
  const ways = isLong ? ([...sample, 'byContext', 'byTcp'] as const) : sample;
  const ends = new Map<string, CommandEnd>();

  beforeAll(async () => {
    await Promise.all(ways.map(async (way) => ends.set(way, await runScript(script, engines[way]))));
  });

  it.each(ways)(
    'relays docker, dockerode and another castoff run without TLS, and removes what they create: %s',
    (way) => {
      const { code, stdout = '', stderr } = ends.get(way) ?? {};
      const [variables = '', ...output] = stdout.trim().split('\n');
      const verify = way === 'byVariables' || way === 'byContext' ? 'set' : '';
      expect(variables).toMatch(
        new RegExp(String.raw`^unix:///\S+\.sock;${verify};;;127\.0\.0\.1;/var/run/docker\.sock$`),
      );
      expect({ code, output }).toEqual({ code: 3, output: ['same', 'dockerode OK', 'inner'] });
      expect(stderr).toMatch(/^castoff: 1 leak among 2 containers: /m);
    },
  );

  it("has Testcontainers reach ports on the engine's host, by a file that asks for TLS", async () => {
    const program = `const { GenericContainer } = require('${require.resolve('testcontainers')}');
      new GenericContainer('${specImage}').withCommand(['httpd', '-f', '-p', '80']).withExposedPorts(80)
        .withLabels({ '${label}': '1' }).start().then(async (one) => {
          const { status } = await fetch('http://' + one.getHost() + ':' + one.getMappedPort(80));
          console.log(one.getHost(), status);
          process.exit(5);
        });`;
    const options = ['--disable-ryuk'];
    const call = { ...engines.byProperties, options };
    const { code, stdout, stderr } = await runCommandRun([process.execPath, '-e', program], call);
    expect({ code, stdout }).toEqual({ code: 5, stdout: '127.0.0.1 404\n' });
    expect(stderr).toMatch(/^castoff: 1 leak among 1 container: /m);
  });
});

if (isLong) {
  const run = `docker run --net none --label ${label}`;
  /** Each prints the same with and without castoff; `data` and `text` are files in the working directory. */
  const scripts: readonly (readonly [what: string, script: string])[] = [
    [
      'attach with stdin and its end',
      `id=$(docker create -i --net none --label ${label} ${specImage} sh -c 'cat; echo after')
       docker start -ai $id <data | sha256sum; docker wait $id; docker rm $id >/dev/null`,
    ],
    [
      'exec with stdin and its end, and its exit code',
      `id=$(${run} -d ${specImage} sleep 60)
       docker exec -i $id sh -c 'cat; echo after; exit 9' <data | sha256sum; docker exec $id sh -c 'exit 9'; echo $?
       docker exec -i $id sh -c 'cat >/data' <data; docker exec $id wc -c /data; docker rm -f $id >/dev/null`,
    ],
    [
      'run with a terminal',
      `f=$(mktemp); { until grep -q password: $f; do sleep 0.05; done; echo secret; } |
         script -qefc "${run} --rm -it ${specImage} sh -c 'test -t 1 && stty -echo && printf password: && read word && echo got \\$word'" $f >/dev/null
       grep -o 'got secret' $f; rm $f`,
    ],
    [
      'logs that are followed to their end',
      `id=$(${run} -d ${specImage} sh -c 'i=0; while [ $i -lt 300 ]; do echo line $i; echo error $i >&2; i=$((i+1)); done; sleep 0.3; echo last')
       docker logs -f $id 2>/dev/null | sha256sum; docker logs -f $id 2>&1 >/dev/null | sha256sum; docker rm $id >/dev/null`,
    ],
    [
      'archives in both directions',
      `id=$(${create}); docker cp data $id:/data; docker cp $id:/data - | tar -xO | sha256sum
       docker save ${specImage} | docker load; docker rm $id >/dev/null`,
    ],
    [
      'a build',
      `mkdir -p context; cp data context; printf 'FROM ${specImage}\\nCOPY data /\\nRUN sha256sum /data >/sum\\n' >context/Dockerfile
       if docker buildx version >/dev/null 2>&1; then export DOCKER_BUILDKIT=1; else export DOCKER_BUILDKIT=0; fi
       docker build --no-cache -q -t ${label} context >/dev/null && ${run} --rm ${label} cat /sum; docker rmi ${label} >/dev/null`,
    ],
    [
      'Compose',
      `$compose -p ${label} up -d >/dev/null 2>&1; $compose -p ${label} exec -T web cat <text
       $compose -p ${label} down -v >/dev/null 2>&1; docker ps -aq --filter label=com.docker.compose.project=${label}`,
    ],
    [
      'more clients at once than sshd lets log in',
      `for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do ${create} & done >ids; wait; wc -l <ids; docker rm $(cat ids) | wc -l`,
    ],
  ];

  describe.each(['byContext', 'bySsh'] as const)('castoff run, in full, in front of an engine %s', (way) => {
    let cwd: string;
    let compose: string;

    beforeAll(async () => {
      cwd = await mkdtemp(join(tmpdir(), 'castoff-remote-data-'));
      compose = (await composeCommand()).join(' ');
      await writeFile(join(cwd, 'data'), randomBytes(2_000_000));
      await writeFile(join(cwd, 'text'), 'line\n'.repeat(10_000));
      const web = {
        image: specImage,
        command: 'sleep 60',
        labels: [label],
        network_mode: 'none',
        stop_grace_period: '0s',
      };
      await writeFile(join(cwd, 'docker-compose.yml'), JSON.stringify({ version: '3.5', services: { web } }));
    });

    afterAll(() => rm(cwd, { recursive: true }));

    it.each(scripts)(
      'changes no byte of %s',
      async (_what, script) => {
        const whole = `compose='${compose}'; ${script}`;
        const direct = await promisify(execFile)('sh', ['-c', whole], { cwd });
        const relayed = await runScript(whole, { env: engines[way].env, cwd });
        expect(relayed.stdout).toBe(direct.stdout);
        expect(relayed).toMatchObject({ code: 0, stderr: expect.stringMatching(/^castoff: .* all gone$/m) });
        expect(await listLabelled(label)).toEqual([]);
      },
      120_000,
    );

    it.each(['process', 'container'])(
      'leaves nothing when it is killed, with the reaper as a %s',
      async (reaper) => {
        await using folder = await openReaperFolder();
        const { env } = engines[way];
        const reaping = { TMPDIR: folder.folder, XDG_RUNTIME_DIR: '', CASTOFF_REAPER: reaper };
        const held = startCommandRun(['sh', '-c', `${create}; exec sleep 60`], {
          env: { ...env, ...reaping },
          cwd,
        });
        await held.printed('\n');
        expect(await listLabelled(label)).toHaveLength(1);
        process.kill(-held.pid, 'SIGKILL');
        expect(await until(async () => (await listLabelled(label)).length === 0, 30_000)).toBe(true);
        for (const pid of folder.hosts()) process.kill(pid, 'SIGTERM');
      },
      60_000,
    );
  });

  describe('castoff run in front of a service of Podman', () => {
    let podman: SecondEngine;
    const script = (text: string, options: readonly string[] = []): Promise<CommandEnd> =>
      runScript(text, { options, env: { DOCKER_HOST: podman.address } });
    const list = async (kind: 'containers' | 'images', filter: object): Promise<unknown> => {
      const query = `all=true&filters=${encodeURIComponent(JSON.stringify(filter))}`;
      return JSON.parse((await askEngine(podman.socketPath, 'GET', `/${kind}/json?${query}`)).body);
    };
    const build = (name: string): string =>
      `printf 'FROM ${specImage}\\nLABEL name=${name}\\n' | podman build -q -t ${name} - >/dev/null`;

    beforeAll(async () => {
      podman = await openPodmanEngine();
    }, 60_000);
    afterAll(() => podman.close());

    it('removes what podman creates, with and without --remote', async () => {
      const { code, stderr } = await script(
        `podman create --label ${label} ${specImage} && podman --remote create --label ${label} ${specImage}`,
      );
      expect(code).toBe(0);
      expect(stderr).toMatch(/^castoff: 2 leaks among 2 containers: /m);
      expect(await list('containers', { label: [label] })).toEqual([]);
    });

    it('keeps and lists the images that podman builds, or removes them; those that others name stay', async () => {
      const [kept, removed, theirs] = [uniqueName(), uniqueName(), uniqueName()];
      const both = `${build(kept)}; CONTAINER_HOST=$(echo $CASTOFF_RELAY | sed 's/.*"engine":"\\([^"]*\\)".*/\\1/') podman tag ${kept} ${theirs}`;
      const { stderr } = await script(both);
      expect(stderr).toMatch(
        new RegExp(
          `^castoff: kept 1 image \\(\\d+\\.\\d MB: localhost/${kept}:latest\\) that the command built$`,
          'm',
        ),
      );
      const second = await script(build(removed), ['--images', 'remove']);
      expect(second.stderr).toContain('castoff: removed 1 image (');
      expect(await list('images', { reference: [removed] })).toEqual([]);
      expect(await list('images', { reference: [theirs] })).toHaveLength(1);
    });

    it('guards the images that the command did not bring, and lets it remove its own', async () => {
      const own = uniqueName();
      const text = `${build(own)} && podman rmi ${own} >/dev/null && echo own; podman rmi ${specImage}; podman rmi -f ${specImage} ${own}; podman rmi -a -f; podman rmi ${own}-none`;
      const { stdout, stderr } = await script(text, ['--guard']);
      expect(stdout).toBe('own\n');
      expect(stderr.match(/castoff run --guard refuses to remove [^:]*/g)).toEqual(
        [specImage, specImage]
          .map((image) => `castoff run --guard refuses to remove image ${image.replace(/:.*/, '')}`)
          .concat('castoff run --guard refuses to remove all images'),
      );
      expect(await list('images', { reference: [specImage] })).toHaveLength(1);
    });
  });
}
