export {
  cleanupComposeProject,
  cleanupContainer,
  cleanupImage,
  cleanupNetwork,
  cleanupVolume,
} from './resources/cleanup';
export { cleanupSession } from './sweep/cleanup-session';
export { deadline } from './core/deadline';
export { expectCollected } from './diagnosis/expect-collected';
export { growth } from './diagnosis/growth';
export { isCastoffError } from './core/errors';
export { assertNoLeaks, findLeaks, takeSnapshot } from './diagnosis/find-leaks';
export { measure } from './durations/measure';
export { openScope } from './scope/scope';
export { openSession } from './session/open-session';
export { sweep } from './sweep/sweep';
export { track } from './diagnosis/tracked-objects';

export type { CastoffError, ErrorCode } from './core/errors';
export type { DeadlineError, DeadlineOptions } from './core/deadline';
export type { MeasureOptions } from './durations/measure';
export type { CollectOptions } from './diagnosis/expect-collected';
export type { GrowthOptions } from './diagnosis/growth';
export type { CleanupError, CleanupEvidence } from './resources/cleanup-error';
export type { CleanupOptions } from './resources/cleanup-options';
export type { CleanupResult } from './resources/cleanup-one';
export type { ComposeProjectResult } from './resources/compose-project';
export type { FindLeaksOptions, Leak, Snapshot } from './diagnosis/find-leaks';
export type { HandleKind } from './diagnosis/handle';
export type { LogLine, PostMortem } from './resources/post-mortem';
export type { Ref } from './resources/ref';
export type { EntryState, RegistryEntry } from './registry/entry';
export type { Registry, RegistryChange, RegistryFilter } from './registry/registry';
export type { CloseError } from './scope/close-error';
export type { CloseReport, CloseReason, FinalizerEnd, TaskRecord } from './scope/close-report';
export type { Check } from './scope/check';
export type { Command } from './scope/command';
export type { CommandOptions } from './scope/command-options';
export type { ReadyOption } from './scope/ready-condition';
export type { CommandEnd, CommandError } from './scope/command-end';
export type { Closing, Finalizer } from './scope/item';
export type { Scope } from './scope/scope';
export type { CloseOptions } from './scope/close-options';
export type { ScopeOptions } from './scope/scope-options';
export type { StartOptions } from './scope/start-options';
export type { StartError } from './scope/start-error';
export type { Task, TaskOptions, Work } from './scope/task';
export type { SessionCleanup } from './sweep/cleanup-session';
export type { Session, SessionOptions } from './session/session';
export type { SweepOptions } from './sweep/sweep';
export type {
  SweepAction,
  SweepReport,
  SweepTotals,
  SweptResource as SweptThing,
} from './sweep/sweep-report';
