import { describe, expect, it } from '@jest/globals';
import { SingleFlight } from '../../lib/core/single-flight';

describe('work in flight', () => {
  it('is shared by all who ask for its key', () => {
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

  it('is another for another key', () => {
    const flights = new SingleFlight<string>();
    expect(flights.run('one', () => 'first')).toBe('first');
    expect(flights.run('other', () => 'second')).toBe('second');
  });

  it('is new for whoever comes after it has landed', () => {
    const flights = new SingleFlight<string>();
    let landFirst = (): void => undefined;
    flights.run('one', (land) => {
      landFirst = land;
      return 'first';
    });
    landFirst();
    expect(flights.run('one', () => 'second')).toBe('second');
  });

  it('is not ended by the landing of the one before it', () => {
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

  it('that fails to start is not kept', () => {
    const flights = new SingleFlight<string>();
    expect(() =>
      flights.run('one', () => {
        throw new Error('no start');
      }),
    ).toThrow('no start');
    expect(flights.run('one', () => 'second')).toBe('second');
  });
});
