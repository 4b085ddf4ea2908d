import { describe, expect, it } from '@jest/globals';
import { meaningOfCommand } from '../../lib/commands/docker-command';

const meaning = (line: string, env: Readonly<Record<string, string>> = {}) => {
  const args = line.split(' ');
  return meaningOfCommand({ file: args[0] ?? '', args, env });
};

describe('meaningOfCommand', () => {
  it.each([
    ['docker run redis', 'container', 2],
    ['docker run -d redis', 'container', 2],
    ['/usr/bin/docker --log-level error container create redis', 'container', 5],
    ['podman run redis', 'container', 2],
    ['docker -D --log-level debug run redis', 'container', 5],
    ['docker network create --driver bridge app', 'network', 3],
    ['docker volume create data', 'volume', 3],
    ['docker build .', 'image', 2],
    ['docker image build --no-cache .', 'image', 3],
    ['docker --log-level error buildx build --load .', 'image', 5],
    ['podman build -q -f Dockerfile .', 'image', 2],
    ['docker -H tcp://other:2375 run redis', 'container', 4],
    ['docker --context=other run redis', 'container', 3],
  ])('finds the index for flags in %s', (line, kind, flagsAt) => {
    expect(meaning(line)).toMatchObject({ type: 'create', kind, flagsAt });
  });

  it.each([
    ['docker run --name web redis', 'web'],
    ['docker run --name=web redis', 'web'],
    ['docker run -dit --rm --name web redis', 'web'],
    ['docker run redis --name web', undefined],
    ['docker run -e --name redis', undefined],
    ['docker network create --internal --driver bridge app', 'app'],
    ['docker volume create', undefined],
  ])('reads the name in %s', (line, name) => {
    expect(meaning(line)).toMatchObject({ type: 'create', name });
  });

  it.each([
    ['docker run --name web redis', true],
    ['docker run -p 8080:80 redis', true],
    ['docker run -dp8080:80 redis', true],
    ['docker run --publish 127.0.0.1:8080-8081:80-81/tcp redis', true],
    ['docker run --publish published=8080,target=80 redis', true],
    ['docker run --network host redis', true],
    ['docker run --net=host redis', true],
    ['docker run -p 80 redis', false],
    ['docker run -p 0:80 redis', false],
    ['docker run -p 127.0.0.1::80 redis', false],
    ['docker run -P redis', false],
    ['docker run --network app redis -p 8080:80', false],
  ])('detects whether %s uses a fixed name or host port', (line, hasFixedNameOrPort) => {
    expect(meaning(line)).toMatchObject({ hasFixedNameOrPort });
  });

  it.each([
    'docker build -ftest .',
    'docker build -t app -ftest .',
    'docker buildx build --push .',
    'docker buildx build -o out .',
    'docker build --output=type=local,dest=out .',
    'docker build --label castoff.session=1 .',
    'docker network build',
    'docker buildx bake',
    'docker pull redis',
    'docker load -i app.tar',
    'docker commit --change LABEL=castoff.session=1 web app',
    'docker tag app',
  ])('leaves the image of %s alone', (line) => {
    expect(meaning(line)).toBeUndefined();
  });

  it.each([
    ['docker build .', []],
    ['docker build -t app .', ['app']],
    ['docker build . -t app:1 --tag=other', ['app:1', 'other']],
    ['docker build . --tag app', ['app']],
    ['docker build -qtapp .', ['app']],
    ['docker build -qt app .', ['app']],
    ['docker build --unknown --tag app .', ['app']],
    ['docker buildx build --load -t=app .', ['app']],
    ['docker import root.tar app:1', ['app:1']],
    ['docker image import -c LABEL=a --platform linux/amd64 - app', ['app']],
    ['docker import root.tar', []],
    ['docker commit -p web app', ['app']],
    ['podman container commit --author me web app', ['app']],
  ])('reads the names that %s gives to an image', (line, tags) => {
    expect(meaning(line)).toMatchObject({ type: 'create', kind: 'image', tags });
  });

  it.each([
    ['docker tag app app:2', ['app:2']],
    ['podman image tag app other third', ['other', 'third']],
  ])('reads the names in %s', (line, names) => {
    expect(meaning(line)).toEqual({ type: 'tag', names });
  });

  it.each([
    ['docker import root.tar app', 2, false],
    ['docker image import -m why root.tar app', 3, true],
    ['docker commit --message=why web app', 2, true],
  ])('adds labels to %s as Dockerfile instructions', (line, flagsAt, hasMessage) => {
    expect(meaning(line)).toMatchObject({ flagsAt, changes: { hasMessage } });
  });

  it('reads the labels that a command sets itself', () => {
    expect(meaning('docker build --label b=1 . --label=c')).toMatchObject({ ownLabels: ['b', 'c'] });
    expect(meaning('docker run -l a=1 --label b redis')).toMatchObject({ ownLabels: ['a', 'b'] });
  });

  it('detects a container that the engine removes when it exits', () => {
    expect(meaning('docker run --rm redis')).toMatchObject({ isAutoRemoved: true });
    expect(meaning('docker run --rm=false redis')).toMatchObject({ isAutoRemoved: false });
    expect(meaning('docker run redis --rm')).toMatchObject({ isAutoRemoved: false });
  });

  it.each([
    ['docker compose -p app up -d', 'up', 'app'],
    ['docker-compose --file a.yml --project-name=app up', 'up', 'app'],
    ['docker compose --profile x -p app run web', 'up', 'app'],
    ['docker-compose -f a.yml -p app down -v', 'down', 'app'],
  ])('reads the project name in %s', (line, type, project) => {
    expect(meaning(line)).toEqual({ type, project });
  });

  it('reads the project name from the environment unless a flag overrides it', () => {
    const env = { COMPOSE_PROJECT_NAME: 'theirs' };
    expect(meaning('docker-compose up -d', env)).toEqual({ type: 'up', project: 'theirs' });
    expect(meaning('docker-compose -p mine up', env)).toEqual({ type: 'up', project: 'mine' });
  });

  it.each([
    ['docker compose up -d', 'up-unnamed', {}],
    [
      'docker-compose --env-file x -f a/b.yml -f c.yml run web',
      'up-unnamed',
      { file: 'a/b.yml', moreFiles: ['c.yml'], hasEnvFile: true },
    ],
    [
      'docker-compose --project-directory x --file a.yml down',
      'down-unnamed',
      { directory: 'x', file: 'a.yml' },
    ],
  ])('reads the location of the project of %s, which has no name', (line, type, at) => {
    expect(meaning(line)).toEqual({ type, at });
    expect(meaning(line, { COMPOSE_PROJECT_NAME: '' })).toEqual({ type, at });
  });

  it('reads the Compose file from the environment unless a flag overrides it', () => {
    const env = { COMPOSE_FILE: 'a.yml:b.yml' };
    expect(meaning('docker compose up', env)).toEqual({
      type: 'up-unnamed',
      at: { file: 'a.yml', moreFiles: ['b.yml'] },
    });
    expect(meaning('docker compose -f c.yml up', env)).toEqual({ type: 'up-unnamed', at: { file: 'c.yml' } });
    expect(meaning('docker compose up', { COMPOSE_FILE: 'a:b;c', COMPOSE_PATH_SEPARATOR: ';' })).toEqual({
      type: 'up-unnamed',
      at: { file: 'a:b', moreFiles: ['c'] },
    });
  });

  it.each([
    ['docker rm -f web db', { verb: 'remove', refs: ['web', 'db'], removesVolumes: false }],
    ['docker container rm --volumes web', { verb: 'remove', refs: ['web'], removesVolumes: true }],
    ['docker stop -t 2 web', { verb: 'stop', refs: ['web'], removesVolumes: false, graceMs: 2_000 }],
    ['docker stop --time=0 web', { verb: 'stop', refs: ['web'], removesVolumes: false, graceMs: 0 }],
    ['docker kill --signal TERM web', { verb: 'kill', refs: ['web'], removesVolumes: false }],
    ['docker volume prune -f', undefined],
    ['docker network rm app', undefined],
    ['podman rmi app', undefined],
  ])('reads %s as a removal with the containers that it stops, kills or removes', (line, teardown) => {
    expect(meaning(line)).toEqual({ type: 'remove', teardown });
  });

  it.each([
    'docker ps',
    'docker',
    'docker --version',
    'docker image create',
    'docker compose ps',
    'docker compose -p app ps',
    'docker run --label castoff.session=s1 redis',
    'docker run -l org.testcontainers.ryuk=true ryuk',
    'dockerd --debug',
    'my-docker run redis',
    'sh -c docker',
  ])('ignores %s', (line) => {
    expect(meaning(line)).toBeUndefined();
  });
});
