/** How long what is kept of a failed test is held for people, in milliseconds. */
export const keepMs = 3_600_000;
