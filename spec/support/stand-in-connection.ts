import { Agent } from 'node:http';
import type { EngineConnection } from '../../lib/engine/engine';
import { parseEndpoint } from '../../lib/engine/parse-endpoint';

/** For engines that are never connected to. */
export const standInConnection: EngineConnection = {
  endpoint: parseEndpoint('unix:///stand-in.sock', 'spec'),
  agent: new Agent(),
};
