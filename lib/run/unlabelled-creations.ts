import { CastoffError } from '../core/errors';

const maxNamed = 5;

/**
 * Returns what fails a run with creations that went out without castoff's labels: their results are unknown,
 * and castoff does not remove them.
 *
 * @param creations - The requests and commands, and why they could not be labelled.
 */
export function failuresOfUnlabelled(creations: readonly string[]): readonly CastoffError[] {
  const count = creations.length;
  if (count === 0) return [];
  const more = count > maxNamed ? [`and ${count - maxNamed} more`] : [];
  const [what, them] = count === 1 ? ['1 creation', 'it'] : [`${count} creations`, 'them'];
  const head = `label raw creations: ${what} went out without castoff's labels; check for leftovers of ${them} by hand`;
  const named = [...creations.slice(0, maxNamed), ...more].join('; ');
  return [new CastoffError('CLEANUP_FAILED', `${head}: ${named}`)];
}
