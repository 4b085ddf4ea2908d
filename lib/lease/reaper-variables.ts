/** The settings of a session's reaper that are the user's: they reach it as a process and as a container alike. */
export const reaperVariablesFrom: readonly string[] = [
  'CASTOFF_REAPER_GRACE',
  'CASTOFF_REAPER_MAX_REMOVALS',
  'CASTOFF_REAPER_WATCH',
];
