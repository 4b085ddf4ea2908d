import { print } from '../core/print';
import { messageOf } from '../core/errors';
import { readInheritedEndpoint } from '../engine/inherited-endpoint';
import { retainResources } from './retain';
import type { RetentionOrder } from './start-retention';

const fail = (error: unknown): never => {
  print(messageOf(error), 'castoff keeper');
  process.exit(1);
};

process.on('uncaughtException', fail);
// Whoever started it does not listen for long.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
readInheritedEndpoint();
retainResources(JSON.parse(process.argv[2] ?? '') as RetentionOrder).then(() => process.exit(0), fail);
