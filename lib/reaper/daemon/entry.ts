import { print } from '../../core/print';
import { messageOf } from '../../core/errors';
import { runProgram } from './program';

const fail = (error: unknown): never => {
  print(messageOf(error), 'castoff reaper');
  process.exit(1);
};

process.on('uncaughtException', fail);
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
runProgram(process.argv.slice(2)).then((code) => process.exit(code), fail);
