// Modules that a test file without containers never loads. `require`, because most callers are synchronous.
import type * as connect from '../engine/connect';
import type * as containerPorts from '../engine/container-ports';
import type * as explainHang from './explain-hang';
import type * as handleWatch from '../diagnosis/handle-watch';
import type * as handleLine from './handle-line';
import type * as namePeer from './name-peer';
import type * as reportHandles from './report-handles';
import type * as exitReport from './exit-report';
import type * as startCapture from '../capture/start-capture';
import type * as sessionIdentity from '../registry/session-identity';
import type * as composeProject from '../resources/compose-project';
import type * as postMortem from '../resources/post-mortem';
import type * as scope from '../scope/scope';
import type * as serializeError from '../wire/serialize-error';
import type * as postMortems from './post-mortems';
import type * as sharedResources from './shared-resources';
import type * as sharedValue from '../run/shared-value';
import type * as joinRun from '../run/join-run';

/** Loads modules when they are first needed. */
export const loadLate = {
  connect: () => require('../engine/connect') as typeof connect,
  containerPorts: () => require('../engine/container-ports') as typeof containerPorts,
  explainHang: () => require('./explain-hang') as typeof explainHang,
  handleWatch: () => require('../diagnosis/handle-watch') as typeof handleWatch,
  handleLine: () => require('./handle-line') as typeof handleLine,
  namePeer: () => require('./name-peer') as typeof namePeer,
  reportHandles: () => require('./report-handles') as typeof reportHandles,
  exitReport: () => require('./exit-report') as typeof exitReport,
  startCapture: () => require('../capture/start-capture') as typeof startCapture,
  sessionIdentity: () => require('../registry/session-identity') as typeof sessionIdentity,
  composeProject: () => require('../resources/compose-project') as typeof composeProject,
  postMortem: () => require('../resources/post-mortem') as typeof postMortem,
  scope: () => require('../scope/scope') as typeof scope,
  serializeError: () => require('../wire/serialize-error') as typeof serializeError,
  postMortems: () => require('./post-mortems') as typeof postMortems,
  sharedResources: () => require('./shared-resources') as typeof sharedResources,
  sharedValue: () => require('../run/shared-value') as typeof sharedValue,
  joinRun: () => require('../run/join-run') as typeof joinRun,
} as const;
