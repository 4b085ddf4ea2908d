import { CastoffError } from '../core/errors';

const maxNamed = 5;

/**
 * The creations of a run that went out without castoff's labels: their results are unknown, and castoff does
 * not remove them.
 */
export class UnlabelledCreations {
  readonly #creations: string[] = [];

  /** @param creation - The request or command, and why it could not be labelled. */
  note(creation: string): void {
    this.#creations.push(creation);
  }

  /** What fails the run; empty when every creation was labelled. */
  failures(): readonly CastoffError[] {
    const count = this.#creations.length;
    if (count === 0) return [];
    const named = this.#creations.slice(0, maxNamed);
    if (count > maxNamed) named.push(`and ${count - maxNamed} more`);
    const [what, them] = count === 1 ? ['1 creation', 'it'] : [`${count} creations`, 'them'];
    const head = `label raw creations: ${what} went out without castoff's labels; check for leftovers of ${them} by hand`;
    return [new CastoffError('CLEANUP_FAILED', `${head}: ${named.join('; ')}`)];
  }
}
