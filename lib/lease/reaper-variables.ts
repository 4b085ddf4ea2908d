/** The user's environment variables that are forwarded to a session's reaper, as a process or a container. */
export const forwardedVariables: readonly string[] = [
  'CASTOFF_REAPER_GRACE',
  'CASTOFF_REAPER_MAX_REMOVALS',
  'CASTOFF_REAPER_WATCH',
];
