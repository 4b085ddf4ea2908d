export { cleanupContainer, cleanupImage, cleanupNetwork, cleanupVolume } from './resources/cleanup';
export { cleanupComposeProject } from './resources/compose-project';
export { deadline } from './core/deadline';
export { isCastoffError } from './core/errors';
export { openScope } from './scope/scope';

export type { CastoffError, ErrorCode } from './core/errors';
export type { DeadlineError, DeadlineOptions } from './core/deadline';
export type { CleanupError, CleanupEvidence } from './resources/cleanup-error';
export type { CleanupOptions, CleanupResult } from './resources/cleanup-one';
export type { ComposeProjectResult } from './resources/compose-project';
export type { LogLine, PostMortem } from './resources/post-mortem';
export type { Ref } from './resources/ref';
export type { CloseError, CloseReport, FinalizerEnd } from './scope/close-report';
export type { Closing, CloseReason, Finalizer } from './scope/finalizer';
export type { CloseOptions, Scope, ScopeOptions } from './scope/scope';
export type { StartError } from './scope/start-error';
