import { say } from '../core/print';
import { messageOf } from '../core/errors';
import { takeHandedEndpoint } from '../engine/handed-endpoint';
import { runKeeper } from './retain';
import type { KeeperOrder } from './start-retention';

const fail = (error: unknown): never => {
  say(messageOf(error), 'castoff keeper');
  process.exit(1);
};

process.on('uncaughtException', fail);
// Whoever started it does not listen for long.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
takeHandedEndpoint();
runKeeper(JSON.parse(process.argv[2] ?? '') as KeeperOrder).then(() => process.exit(0), fail);
