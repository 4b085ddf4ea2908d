import { describe, expect, it } from '@jest/globals';
import { EndPatience } from '../../lib/session/end-patience';
import { until } from '../support/until';

const never = new Promise<boolean>(() => undefined);

describe('the patience at the end of a run', () => {
  it('is over when no ping was answered, after it has said once what is waited for', async () => {
    const said: string[] = [];
    const patience = new EndPatience({
      ping: () => never,
      waitingFor: () => ['container a', 'container b', 'network c', 'volume d', 'image e'],
      print: (words) => said.push(patience.signal.aborted ? 'too late' : words),
      quietMs: 10,
      silenceMs: 100,
    });
    patience.begin();
    patience.begin();
    expect(await until(() => patience.signal.aborted, 10_000, 1)).toBe(true);
    expect(patience.signal.reason).toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: 'the engine has not answered for 100 ms',
    });
    expect(said).toEqual(['waiting for container a, container b, network c and 2 more to be gone']);
  });

  it('says nothing until there is something to wait for', async () => {
    const said: string[] = [];
    let asked = 0;
    const patience = new EndPatience({
      ping: async () => true,
      waitingFor: () => ((asked += 1) < 3 ? [] : ['container a']),
      print: (words) => said.push(words),
      quietMs: 1,
    });
    patience.begin();
    expect(await until(() => said.length > 0, 10_000, 1)).toBe(true);
    patience.end();
    expect({ said, asked }).toEqual({ said: ['waiting for container a to be gone'], asked: 3 });
  });

  it('begins anew with each answer, and is over when the last is too long ago', async () => {
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
    patience.begin();
    expect(await until(() => patience.signal.aborted, 20_000, 1)).toBe(true);
    // Thirty answers take three times as long as one silence may.
    expect(answers).toBeGreaterThan(30);
  });

  it('says and asks nothing where the end comes first', async () => {
    const said: string[] = [];
    let pings = 0;
    const patience = new EndPatience({
      ping: async () => (pings += 1) < 0,
      waitingFor: () => [],
      print: (words) => said.push(words),
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
    patience.begin();
    other.begin();
    patience.end();
    expect(await until(() => other.signal.aborted, 10_000, 1)).toBe(true);
    expect({ said, pings, isOver: patience.signal.aborted }).toEqual({ said: [], pings: 0, isOver: false });
  });
});
