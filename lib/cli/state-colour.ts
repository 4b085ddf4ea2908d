import type { Colour } from '../core/text-table';

/** Returns the colour of an owner's state. */
export function colourOfState(state: 'alive' | 'dead' | 'unknown'): Colour {
  switch (state) {
    case 'alive':
      return 'green';
    case 'dead':
      return 'red';
    case 'unknown':
      return 'yellow';
  }
}
