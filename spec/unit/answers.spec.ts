import { describe, expect, it } from '@jest/globals';
import { meaningOf, type EngineCall, type Meaning } from '../../lib/engine/answers';
import type { RemovableKind } from '../../lib/core/kinds';
import { answerAbout, capturedAnswers, type RemovalAnswers } from '../support/captured-answers';

type EngineName = keyof typeof capturedAnswers;

const kinds: readonly RemovableKind[] = ['container', 'network', 'volume', 'image'];
const names: readonly EngineName[] = ['docker', 'podman'];

const usual: Record<keyof RemovalAnswers, Meaning> = {
  gone: 'gone',
  beingRemoved: 'being-removed',
  busy: 'busy',
  refused: 'refused',
  failed: 'failed',
};

/** When an engine uses one status for temporary and permanent conflicts, the call is retried. */
const unusual: Readonly<Record<string, Meaning>> = {
  'docker container refused': 'busy',
  'docker image refused': 'busy',
  'podman container refused': 'failed',
};

const captured = names.flatMap((engine) =>
  kinds.flatMap((kind) =>
    (Object.keys(capturedAnswers[engine][kind]) as (keyof RemovalAnswers)[]).map((what) => {
      const meaning = unusual[`${engine} ${kind} ${what}`] ?? usual[what];
      return [engine, kind, what, meaning] as const;
    }),
  ),
);

describe('the response to a removal', () => {
  it.each(captured)('of %s, for a %s that is %s, means %s', (engine, kind, what, meaning) => {
    const answer = capturedAnswers[engine][kind][what];
    if (answer === undefined) throw new Error('the table names what was captured');
    const { status, body } = answerAbout('app', answer);
    expect(meaningOf(`${kind}.remove`, { status, message: body.message })).toBe(meaning);
  });

  it.each(names.flatMap((engine) => kinds.map((kind) => [engine, kind] as const)))(
    'of %s to an inspection of a removed %s means gone',
    (engine, kind) => {
      const { status, body } = answerAbout('app', capturedAnswers[engine][kind].gone);
      expect(meaningOf(`${kind}.inspect`, { status, message: body.message })).toBe('gone');
    },
  );
});

describe('any other response', () => {
  it.each<[call: EngineCall, status: number | undefined, message: string, meaning: Meaning]>([
    ['container.remove', 204, '', 'done'],
    ['image.remove', 200, '', 'done'],
    ['image.remove', 500, 'unrecognized image ID sha256:7ab3', 'gone'],
    ['image.remove', 404, 'unrecognized image ID sha256:7ab3', 'gone'],
    ['container.stop', 304, '', 'done'],
    ['container.remove', undefined, 'connect ECONNREFUSED /var/run/docker.sock', 'engine-away'],
    ['container.remove', undefined, 'read ECONNRESET', 'engine-away'],
    ['container.remove', 502, 'Bad Gateway', 'engine-away'],
    ['container.remove', 503, 'Service Unavailable', 'engine-away'],
    ['container.remove', 504, 'Gateway Timeout', 'engine-away'],
    ['container.remove', 500, 'anything', 'failed'],
    ['container.remove', 400, 'client version 1.11 is too old', 'refused'],
    ['container.remove', 401, 'Unauthorized', 'refused'],
    ['container.remove', 403, 'Forbidden', 'refused'],
    ['container.remove', 418, 'a status that no engine is known to give', 'refused'],
    ['container.stop', 409, 'removal of container app is already in progress', 'busy'],
    ['network.remove', 404, 'error while removing network: unknown network app id 8dd1', 'gone'],
    ['network.disconnect', 403, 'container 4f2a is not connected to the network app', 'gone'],
    ['network.disconnect', 500, 'container 4f2a is not connected to network app', 'gone'],
    ['network.remove', 403, 'container 4f2a is not connected to the network app', 'refused'],
    ['volume.remove', 403, 'network app id 6f21 has active endpoints', 'refused'],
  ])('to %s of %s %s means %s', (call, status, message, meaning) => {
    expect(meaningOf(call, { status, message })).toBe(meaning);
  });
});

describe('a 404 that is not about the resource', () => {
  it.each<[from: string, message: string]>([
    ['an engine without the route', 'page not found'],
    ['a Go server other than an engine', '404 page not found'],
    [
      'nginx',
      '<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>',
    ],
    [
      'Apache',
      '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>404 Not Found</title>',
    ],
    ['a server that sends no message', ''],
  ])('from %s does not mean that the resource is gone', (_from, message) => {
    expect(meaningOf('container.remove', { status: 404, message })).not.toBe('gone');
    expect(meaningOf('container.inspect', { status: 404, message })).not.toBe('gone');
  });
});
