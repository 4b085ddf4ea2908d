import { describe, expect, it } from '@jest/globals';
import { helpArgs } from '../../lib/scope/suppress-compose-down';

const envPairs = ['PATH=/bin', 'COMPOSE_PROJECT_NAME=app'];

describe('the `down` that testcontainers runs after a failed start of a Compose project', () => {
  // As testcontainers 12 runs it, with Compose 2 and with docker-compose 1.29.
  it.each([
    ['docker', ['docker', 'compose', '-f', 'stack.yml', 'down', '-v']],
    ['/usr/bin/docker-compose', ['docker-compose', '-f', 'down', 'down', '-v', '-t', '10']],
  ])('prints its help instead: %s', (file, args) => {
    const at = args.lastIndexOf('down');
    expect(helpArgs({ file, args, envPairs }, 'app')).toEqual(args.toSpliced(at + 1, 0, '--help'));
  });

  it.each([
    [
      'of another project',
      { file: 'docker', args: ['docker', 'compose', 'down'], envPairs: ['COMPOSE_PROJECT_NAME=b'] },
    ],
    ['another command', { file: 'docker', args: ['docker', 'compose', 'up', '-d'], envPairs }],
    ['another program', { file: 'sh', args: ['sh', '-c', 'down'], envPairs }],
    ['without arguments', { file: 'docker' }],
  ])('is not changed when it is %s', (_what, options) => {
    expect(helpArgs(options, 'app')).toBeUndefined();
  });
});
