import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ListedTarget } from '../../lib/engine/list-targets';
import type { RemovableKind } from '../../lib/engine/removable-kind';
import { chooseNext, countByKind, keyOf, reapable, type Progress } from '../../lib/reaper/reaping/reap-plan';

const kinds = ['container', 'network', 'volume', 'image'] as const;
const targetOf = (kind: RemovableKind, id = 'a', labels: Record<string, string> = {}): ListedTarget => ({
  kind,
  id,
  name: id,
  labels,
});

/** Keys of the removals to start next, for resources written as `container a: started`. */
function nextOf(lines: readonly string[], isStalled = false): readonly string[] {
  const progress = new Map(
    lines.map((line) => [line.split(':')[0]!, line.split(': ')[1] as Progress | undefined] as const),
  );
  const found = [...progress.keys()].map((key) => {
    const [kind, id] = key.split(' ') as [RemovableKind, string];
    return targetOf(kind, id);
  });
  return chooseNext(found, (target) => progress.get(keyOf(target)), isStalled).map(keyOf);
}

describe('the next removals', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['empty without resources', [], []],
    [
      'all containers first',
      ['image i', 'container a', 'network n', 'container b'],
      ['container a', 'container b'],
    ],
    ['not networks while a container is being removed', ['container a: started', 'network n'], []],
    [
      'networks when containers are removed',
      ['container a: removed', 'network n', 'network m'],
      ['network n', 'network m'],
    ],
    ['networks when a container has failed', ['container a: retrying', 'network n'], ['network n']],
    ['networks when a container is given up', ['container a: left', 'network n'], ['network n']],
    ['not volumes while a network is being removed', ['network n: started', 'volume v', 'image i'], []],
    ['images last', ['container a: removed', 'network n: removed', 'volume v: left', 'image i'], ['image i']],
    [
      'a container that appears late, whatever is being removed',
      ['network n: started', 'image i: started', 'container late'],
      ['container late'],
    ],
    [
      'not those that are started already',
      ['container a: started', 'image i: retrying', 'volume v: removed'],
      [],
    ],
  ])('are %s', (_name, lines, next) => {
    expect(nextOf(lines)).toEqual(next);
  });

  it('do not wait for stalled ones', () => {
    expect(nextOf(['container a: started', 'network n', 'volume v'], true)).toEqual(['network n']);
    expect(nextOf(['container a: started', 'network n: started', 'volume v'], true)).toEqual(['volume v']);
  });

  it('are of one kind, not started before, and include every resource in the end', () => {
    const anyTarget = fc.record({ kind: fc.constantFrom(...kinds), id: fc.string({ maxLength: 3 }) });
    const ends = fc.constantFrom<Progress>('removed', 'left', 'retrying');
    fc.assert(
      fc.property(
        fc.uniqueArray(anyTarget, { selector: keyOf }),
        fc.infiniteStream(ends),
        (targets, endOf) => {
          const found = targets.map(({ kind, id }) => targetOf(kind, id));
          const progress = new Map<string, Progress>();
          const order: RemovableKind[] = [];
          for (;;) {
            const next = chooseNext(found, (target) => progress.get(keyOf(target)), false);
            if (next.length === 0) break;
            expect(new Set(next.map(({ kind }) => kind)).size).toBe(1);
            for (const target of next) {
              expect(progress.has(keyOf(target))).toBe(false);
              order.push(target.kind);
              progress.set(keyOf(target), endOf.next().value);
            }
          }
          expect(progress.size).toBe(found.length);
          expect(order).toEqual(order.toSorted((a, b) => kinds.indexOf(a) - kinds.indexOf(b)));
        },
      ),
    );
  });
});

describe('the reapable resources of a listing', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['a resource with a session', { 'castoff.session': 'a' }, true],
    ['a reaper of castoff', { 'castoff.session': 'a', 'castoff.reaper': 'true' }, false],
    ['a Ryuk', { 'castoff.session': 'a', 'org.testcontainers.ryuk': 'true' }, false],
    [
      'a resource whose reaper labels are false',
      { 'castoff.reaper': 'false', 'org.testcontainers.ryuk': 'no' },
      true,
    ],
  ])('include %s (%j): %s', (_name, labels, isReapable) => {
    for (const kind of kinds)
      expect(reapable([targetOf(kind, 'a', labels)])).toHaveLength(isReapable ? 1 : 0);
  });
});

it('counts by kind', () => {
  expect(countByKind([targetOf('image'), targetOf('volume'), targetOf('image')])).toEqual({
    container: 0,
    network: 0,
    volume: 1,
    image: 2,
  });
});
