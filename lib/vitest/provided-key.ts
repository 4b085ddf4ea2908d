/** The key of the run's address among the values that Vitest provides to its workers. */
export const providedKey = 'castoff';
