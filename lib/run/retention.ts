/** How long what is kept of a failed test is held for people, in milliseconds. */
export const retentionMs = 3_600_000;
