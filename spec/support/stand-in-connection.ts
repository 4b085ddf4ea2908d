import { Agent } from 'node:http';
import type { EngineConnection } from '../../lib/engine/engine';
import { parseEndpoint } from '../../lib/engine/parse-endpoint';

/** The connection of an engine that is never called. */
export const standInConnection: EngineConnection = {
  endpoint: parseEndpoint('unix:///stand-in.sock', 'spec'),
  agent: new Agent(),
};
