// What a test file without containers never loads. `require`, because most of it has to be there at once.
import type * as connect from '../engine/connect';
import type * as containerPorts from '../engine/container-ports';
import type * as rawWatch from '../raw/watch-raw-code';
import type * as sessionIdentity from '../registry/session-identity';
import type * as cleanupResource from '../resources/cleanup-resource';
import type * as postMortem from '../resources/post-mortem';
import type * as scope from '../scope/scope';
import type * as errorText from '../session/error-text';
import type * as sharedValue from '../session/shared-value';
import type * as workerLine from '../session/worker-line';

export const loadLate = {
  connect: () => require('../engine/connect') as typeof connect,
  containerPorts: () => require('../engine/container-ports') as typeof containerPorts,
  rawWatch: () => require('../raw/watch-raw-code') as typeof rawWatch,
  sessionIdentity: () => require('../registry/session-identity') as typeof sessionIdentity,
  cleanupResource: () => require('../resources/cleanup-resource') as typeof cleanupResource,
  postMortem: () => require('../resources/post-mortem') as typeof postMortem,
  scope: () => require('../scope/scope') as typeof scope,
  errorText: () => require('../session/error-text') as typeof errorText,
  sharedValue: () => require('../session/shared-value') as typeof sharedValue,
  workerLine: () => require('../session/worker-line') as typeof workerLine,
} as const;
