import { print } from '../core/print';
import { messageOf } from '../core/errors';
import { readInheritedEndpoint } from '../engine/inherited-endpoint';
import { retainResources } from './retain-resources';
import type { RetentionRequest } from './start-retention';

const fail = (error: unknown): never => {
  print(messageOf(error), 'castoff retain');
  process.exit(1);
};

process.on('uncaughtException', fail);
// The parent process closes its ends of the pipes once this process is ready.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
readInheritedEndpoint();
retainResources(JSON.parse(process.argv[2] ?? '') as RetentionRequest).then(() => process.exit(0), fail);
