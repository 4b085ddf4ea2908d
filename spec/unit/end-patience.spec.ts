import { describe, expect, it } from '@jest/globals';
import { EndPatience } from '../../lib/session/end-patience';
import { until } from '../support/until';

const never = new Promise<boolean>(() => undefined);

describe('EndPatience', () => {
  it('an end patience expires when no ping is answered, after it has printed the pending resources once', async () => {
    const printed: string[] = [];
    const patience = new EndPatience({
      ping: () => never,
      waitingFor: () => ['container a', 'container b', 'network c', 'volume d', 'image e'],
      print: (message) => printed.push(patience.signal.aborted ? 'too late' : message),
      quietMs: 10,
      silenceMs: 100,
    });
    patience.start();
    patience.start();
    expect(await until(() => patience.signal.aborted, 10_000, 1)).toBe(true);
    expect(patience.signal.reason).toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: 'the engine has not answered for 100 ms',
    });
    expect(printed).toEqual(['waiting for the removal of container a, container b, network c and 2 more']);
  });

  it('an end patience prints nothing until a resource is pending', async () => {
    const printed: string[] = [];
    let asked = 0;
    const patience = new EndPatience({
      ping: async () => true,
      waitingFor: () => ((asked += 1) < 3 ? [] : ['container a']),
      print: (message) => printed.push(message),
      quietMs: 1,
    });
    patience.start();
    expect(await until(() => printed.length > 0, 10_000, 1)).toBe(true);
    patience.end();
    expect({ printed, asked }).toEqual({ printed: ['waiting for the removal of container a'], asked: 3 });
  });

  it('an end patience restarts with each answer, and expires when the last one is too long ago', async () => {
    let answers = 0;
    const patience = new EndPatience({
      ping: async () => {
        answers += 1;
        return answers <= 30;
      },
      waitingFor: () => [],
      print: () => undefined,
      quietMs: 10,
      silenceMs: 100,
    });
    patience.start();
    expect(await until(() => patience.signal.aborted, 20_000, 1)).toBe(true);
    // Thirty answers take three times as long as the limit.
    expect(answers).toBeGreaterThan(30);
  });

  it('an end patience prints and sends nothing when the cleanup finishes first', async () => {
    const printed: string[] = [];
    let pings = 0;
    const patience = new EndPatience({
      ping: async () => (pings += 1) < 0,
      waitingFor: () => [],
      print: (message) => printed.push(message),
      quietMs: 50,
      silenceMs: 50,
    });
    const other = new EndPatience({
      ping: () => never,
      waitingFor: () => [],
      print: () => undefined,
      quietMs: 50,
      silenceMs: 100,
    });
    patience.start();
    other.start();
    patience.end();
    expect(await until(() => other.signal.aborted, 10_000, 1)).toBe(true);
    expect({ printed, pings, isOver: patience.signal.aborted }).toEqual({
      printed: [],
      pings: 0,
      isOver: false,
    });
  });
});
