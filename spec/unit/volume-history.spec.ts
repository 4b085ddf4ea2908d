import { describe, expect, it } from '@jest/globals';
import type { EngineEvent } from '../../lib/engine/engine-event';
import { judgeHistory, type VolumeHistory } from '../../lib/engine/volume-history';

type Past = readonly [action: string, second: number, id?: string];

const events = (past: readonly Past[]): readonly EngineEvent[] =>
  past.map(([action, second, id = 'data']) => ({
    kind: 'volume',
    action,
    id,
    labels: {},
    atNano: `${BigInt(second) * 1_000_000_000n}`,
  }));

describe('a volume that existed in second 10', () => {
  it.each<readonly [VolumeHistory, what: string, past: readonly Past[]]>([
    [
      'replaced',
      'is removed and created again later',
      [
        ['create', 10],
        ['destroy', 12],
        ['create', 13],
      ],
    ],
    [
      'replaced',
      'is removed in the same second and created again later',
      [
        ['create', 10],
        ['destroy', 10],
        ['create', 11],
      ],
    ],
    [
      'replaced',
      'is removed later, and earlier events are lost',
      [
        ['destroy', 12],
        ['create', 12],
      ],
    ],
    [
      'same',
      'replaced another one in that second',
      [
        ['destroy', 10],
        ['create', 10],
      ],
    ],
    [
      'same',
      'is mounted, while another is removed',
      [
        ['mount', 9],
        ['mount', 12],
        ['destroy', 12, 'other'],
      ],
    ],
    [
      'unknown',
      'has no events since then',
      [
        ['mount', 11],
        ['destroy', 12, 'other'],
      ],
    ],
    ['unknown', 'is on an engine that remembers nothing', []],
  ])('is %s when it %s', (history, _, past) => {
    expect(judgeHistory(events(past), 'data', 10)).toBe(history);
  });
});
