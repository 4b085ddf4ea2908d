import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { insertShellWords, quoteShellWord, readShellCommand } from '../../lib/commands/shell-command';

const anyWord = fc.string({ unit: 'binary' }).filter((word) => !word.includes('\0'));
const blank = fc.constantFrom(' ', '\t', '  ', ' \\\n ', '\t \t');

describe('readShellCommand', () => {
  it.each([
    ['docker run -d redis', ['docker', 'run', '-d', 'redis']],
    [' \n docker\trun  redis \n', ['docker', 'run', 'redis']],
    ['docker run \\\n  --rm \\\n  redis', ['docker', 'run', '--rm', 'redis']],
    ['docker r\\\nun redis', ['docker', 'run', 'redis']],
    [`docker run -e 'A=$HOME; "x"' redis`, ['docker', 'run', '-e', 'A=$HOME; "x"', 'redis']],
    ['docker run -e "A=a b\\"c\\\\d\\e\\$f" r', ['docker', 'run', '-e', 'A=a b"c\\d\\e$f', 'r']],
    [String.raw`docker run -e A=a\ b\;c r`, ['docker', 'run', '-e', 'A=a b;c', 'r']],
    [`docker run --name=we'b '"1" r ''`, ['docker', 'run', '--name=web 1', 'r', '']],
    ['docker network create app', ['docker', 'network', 'create', 'app']],
  ])('parses %j', (text, words) => {
    expect(readShellCommand(text)).toMatchObject({ env: {}, words });
  });

  it('reads only the assignments before the command as environment', () => {
    expect(readShellCommand(`COMPOSE_PROJECT_NAME="my app" B= docker-compose A=b up`)).toMatchObject({
      env: { COMPOSE_PROJECT_NAME: 'my app', B: '' },
      words: ['docker-compose', 'A=b', 'up'],
    });
    expect(readShellCommand(`"A"=b docker ps`)).toMatchObject({ env: {}, words: ['A=b', 'docker', 'ps'] });
  });

  it.each([
    'docker pull redis; docker run redis',
    'docker pull redis && docker run redis',
    'docker run redis &',
    'docker run redis | cat',
    'docker run redis > /dev/null',
    'docker run redis 2>&1',
    'docker run -v $PWD:/app redis',
    'docker run -v "$PWD:/app" redis',
    'docker run -v `pwd`:/app redis',
    'docker run -v "`pwd`:/app" redis',
    'docker run -v ~/data:/data redis',
    'docker run redis *',
    'docker run redis a?',
    'docker run redis [ab]',
    'docker run redis {a,b}',
    'docker run redis # and so on',
    '(docker run redis)',
    '! docker run redis',
    'docker pull redis\ndocker run redis',
    'docker run redis\r\n',
    "docker run 'redis",
    'docker run "redis',
    'docker run redis\\',
    'A=b',
    ' \n',
    '',
  ])('does not parse %j', (text) => {
    expect(readShellCommand(text)).toBeUndefined();
  });

  it('parses quoted words back to the original', () => {
    fc.assert(
      fc.property(fc.array(anyWord, { minLength: 1 }), blank, (words, between) => {
        const text = ['docker', ...words].map(quoteShellWord).join(between);
        expect(readShellCommand(text)?.words).toEqual(['docker', ...words]);
      }),
    );
  });

  it('agrees with sh on everything that it parses', () => {
    const unit = fc.constantFrom(...String.raw`ab =\'"$;#~*{}-`.split(''), '\n', '\t');
    const texts = fc.sample(fc.string({ unit, maxLength: 12 }), { numRuns: 2_000, seed: 1 });
    const read = texts
      .map((text) => ({ text: `docker ${text}`, words: readShellCommand(`docker ${text}`)?.words }))
      .filter(({ words }) => words !== undefined);
    const script = `docker() { printf '%s\\0' docker "$@"; printf '\\1'; }\n${read.map(({ text }) => text).join('\n')}\n`;
    const printed = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\x01').slice(0, -1);
    expect(read.length).toBeGreaterThan(100);
    expect(printed.map((words) => words.split('\0').slice(0, -1))).toEqual(read.map(({ words }) => words));
  });
});

describe('insertShellWords', () => {
  it('inserts words and leaves the rest of the text unchanged', () => {
    const text = ` A=b docker  'run' \\\n -d "re dis"  \n`;
    const command = readShellCommand(text)!;
    expect(insertShellWords(text, command, 2, ['--label', `it's=$(x)`])).toBe(
      ` A=b docker  'run' --label 'it'\\''s=$(x)' \\\n -d "re dis"  \n`,
    );
  });

  it('inserts words so that they are parsed back', () => {
    fc.assert(
      fc.property(
        fc.array(anyWord, { minLength: 1 }),
        fc.array(anyWord),
        blank,
        fc.nat(),
        (words, more, between, n) => {
          const text = ['docker', ...words].map(quoteShellWord).join(between);
          const command = readShellCommand(text)!;
          const at = 1 + (n % (words.length + 1));
          const own = ['docker', ...words].toSpliced(at, 0, ...more);
          expect(readShellCommand(insertShellWords(text, command, at, more))?.words).toEqual(own);
        },
      ),
    );
  });
});
