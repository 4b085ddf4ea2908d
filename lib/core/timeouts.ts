/**
 * Defaults of public options, and limits that several modules share, in milliseconds. A limit of one algorithm
 * stays with it.
 */
export const timeouts = {
  /** Default for the removal of a resource, of a scope's resources, and of what a session left behind. */
  cleanupMs: 30_000,
  /** Default grace between SIGTERM and SIGKILL of a command. */
  commandGraceMs: 5_000,
  /** Default for a command to become ready. */
  readyMs: 30_000,
  /** Default for the factory of a shared resource, which may pull images. */
  sharedMs: 120_000,
  /** Default of a sweep. */
  sweepMs: 60_000,
  /** The engine's default grace for a stop. @see Engine API, ContainerStop */
  stopGraceMs: 10_000,
  /** A request to an engine, which may be busy with hundreds of removals. */
  requestMs: 30_000,
  /** The first request to an engine, which may include a login over ssh. */
  pingMs: 5_000,
  /** An inspection that the end of a file or run waits for. */
  inspectMs: 5_000,
} as const;
