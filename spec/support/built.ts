import { join } from 'node:path';

const dist = join(__dirname, '../../dist');

/** The built castoff, for processes that run plain Node.js. `engine-setup.ts` refuses one that is older than `lib`. */
export const built = {
  library: join(dist, 'index.js'),
  cli: join(dist, 'cli.js'),
  reaper: join(dist, 'reaper-server.js'),
} as const;
