import { join } from 'node:path';

/** Node's arguments for a process that requires files of `lib` as they are. */
export const withTypeScript: readonly string[] = ['--require', join(__dirname, 'require-typescript.cjs')];
