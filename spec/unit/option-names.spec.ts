import { describe, expect, it } from '@jest/globals';
import {
  cleanupComposeProject,
  cleanupContainer,
  cleanupImage,
  cleanupNetwork,
  cleanupSession,
  cleanupVolume,
  deadline,
  openScope,
  openSession,
  sweep,
} from '../../lib/index';
import { openReaper } from '../../lib/reaper';
import { rejectionOf } from '../support/rejection';

const startable = { start: async () => ({ stop: () => undefined }) };

type Call = (options: never) => unknown;

const calls: readonly (readonly [string, Call])[] = [
  ['clean up a container', (options) => cleanupContainer('web', options)],
  ['clean up a network', (options) => cleanupNetwork('app', options)],
  ['clean up a volume', (options) => cleanupVolume('data', options)],
  ['clean up an image', (options) => cleanupImage('app:1', options)],
  ['clean up a Compose project', (options) => cleanupComposeProject('app', options)],
  ['clean up a session', (options) => cleanupSession('a1b2', options)],
  ['openSession', (options) => openSession(options)],
  ['openReaper', (options) => openReaper(options)],
  ['sweep', (options) => sweep(options)],
  ['deadline', (options) => deadline(1_000, options)],
  ['openScope', (options) => openScope('own', options)],
  ['openScope', (options) => openScope('own').child('inner', options)],
  ['scope.start', (options) => openScope('own').start(startable, options)],
  ['scope.spawn', (options) => openScope('own').spawn('work', () => undefined, options)],
  ['scope.run', (options) => openScope('own').run('true', [], options)],
  ['scope.close', (options) => openScope('own').close(options)],
];

describe.each(calls)('%s', (what, call) => {
  it('rejects an unknown option, and names the known ones', async () => {
    const error = await rejectionOf((async () => call({ timoutMs: 5 } as never))());
    expect(error).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(new RegExp(`^${what}: unknown option timoutMs; known options are \\w+`)),
    });
  });

  it.each([7, 'fast'])('rejects %p instead of options', async (options) => {
    const error = await rejectionOf((async () => call(options as never))());
    expect(error).toMatchObject({
      code: 'CONFIG_INVALID',
      message: `${what}: got ${options}; give an object of options`,
    });
  });
});

describe('a graceful stop', () => {
  it.each([
    [{ stopSignal: 'TERM' }, 'stopSignal: got "TERM"'],
    [{ stopSignal: 15 }, 'stopSignal: got 15'],
    [{ stopSignal: 'SIGINT', stopTimeoutMs: 0 }, 'stopSignal: got SIGINT with stopTimeoutMs 0'],
    [{ stopTimeoutMs: -1 }, 'stopTimeoutMs: got -1'],
    [{ stopTimeoutMs: 1_000 }, 'scope.start: a Object cannot be stopped gracefully'],
  ])('is rejected with %j', async (options, message) => {
    const error = await rejectionOf(openScope('own').start(startable, options as never));
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) });
  });
});
