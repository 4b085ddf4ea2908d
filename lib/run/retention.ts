/** How long the resources of a failed test are kept for inspection, in milliseconds. */
export const retentionMs = 3_600_000;
