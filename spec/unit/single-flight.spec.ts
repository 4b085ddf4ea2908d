import { describe, expect, it } from '@jest/globals';
import { SingleFlight } from '../../lib/core/single-flight';

describe('work in flight', () => {
  it('is shared by all callers with its key', () => {
    const flights = new SingleFlight<object>();
    const starts: object[] = [];
    const start = (): object => {
      const work = {};
      starts.push(work);
      return work;
    };
    const joined = Array.from({ length: 8 }, () => flights.run('one', start));
    expect(starts).toHaveLength(1);
    expect(new Set(joined)).toEqual(new Set(starts));
  });

  it('is separate for another key', () => {
    const flights = new SingleFlight<string>();
    expect(flights.run('one', () => 'first')).toBe('first');
    expect(flights.run('other', () => 'second')).toBe('second');
  });

  it('is started anew once its key has been released', () => {
    const flights = new SingleFlight<string>();
    let landFirst = (): void => undefined;
    flights.run('one', (land) => {
      landFirst = land;
      return 'first';
    });
    landFirst();
    expect(flights.run('one', () => 'second')).toBe('second');
  });

  it('is not affected by a late release of earlier work', () => {
    const flights = new SingleFlight<string>();
    let landFirst = (): void => undefined;
    flights.run('one', (land) => {
      landFirst = land;
      return 'first';
    });
    landFirst();
    flights.run('one', () => 'second');
    landFirst();
    expect(flights.run('one', () => 'third')).toBe('second');
  });

  it('is not kept when it fails to start', () => {
    const flights = new SingleFlight<string>();
    expect(() =>
      flights.run('one', () => {
        throw new Error('no start');
      }),
    ).toThrow('no start');
    expect(flights.run('one', () => 'second')).toBe('second');
  });
});
