import { beforeAll, describe, expect, it } from '@jest/globals';
import { runJest } from '../support/jest-run';
import { otherNodes } from '../support/other-versions';
import { isLong } from '../support/spec-size';

const inBand = ['--runInBand', '--forceExit'];
const inWorkers = ['--maxWorkers', '2', '--forceExit'];

/** Without `transform`, Jest compiles the files with Babel, which triples the heap, and the time of each finding. */
const withBabel = { 'jest.config.js': "module.exports = { preset: 'castoff', testTimeout: 1_000 };" };

/** Each finding takes two seconds of CPU time: one of each kind, without those that differ in the path alone. */
const sample =
  /emitter of its own|answer that got lost|beside a ticker|for a worker|receives|polls|Test suite|step by step|nothing back/;
const selected = isLong ? [] : ['--testNamePattern', sample.source];
const inSample = ([title]: readonly [title: string, ...lines: string[]]): boolean =>
  isLong || sample.test(title);

const byHandle = 'open: interval of 50 ms, opened at hangs.test.js:33';
const { execPath } = process;
const runs = [
  ['30', inBand, {}, 'report', byHandle, execPath],
  ['29', inWorkers, withBabel, 'off', 'open: timer that calls a function (hangs.test.js:33)', execPath],
] as const;
const onOthers = otherNodes.map(([, node]) => ['30', inBand, {}, 'report', byHandle, node] as const);

describe.each(onOthers.length > 0 ? onOthers : isLong ? runs : runs.slice(0, 1))(
  'the message of a test that timed out, Jest %s with %s',
  (jest, args, files, handles, ticker, node) => {
    let stderr: string;
    const messageOf = (title: string): string =>
      stderr.split('\n  ● ').find((part) => part.startsWith(title)) ?? '';

    const hanging: readonly (readonly [title: string, ...lines: string[]])[] = [
      [
        'sends without a receiver',
        'send waits at channel.js:9: await new Promise((resolve) => this.senders.push',
        'called at hangs.test.js:9: await channel.send',
      ],
      [
        'waits without a way out',
        'waits at hangs.test.js:13: await new Promise(() => undefined);',
        'nothing can wake it',
      ],
      [
        'waits for an emitter of its own',
        'waits at one of hangs.test.js:18, hangs.test.js:19',
        'nothing can wake it',
      ],
      [
        'waits for an event',
        "waits at hangs.test.js:23: await once(bus, 'ready');",
        "variable bus → EventEmitter → a listener of 'ready'",
      ],
      [
        'waits for an answer that got lost',
        'waits at hangs.test.js:29: await Promise.all(',
        "variable bus → EventEmitter → a listener of 'answer'",
      ],
      ['waits beside a ticker', "waits at hangs.test.js:34: await once(bus, 'last tick');", ticker],
      [
        'waits for a worker',
        "waits at hangs.test.js:40: await once(worker, 'message');",
        "a listener of 'message' on Worker",
      ],
      [
        'with a receiver › receives',
        'waits at hooks.test.js:14: await channel.receive();',
        'variable channel → Channel → .receivers',
      ],
      [
        'Test suite failed to run',
        '#run waits at channel.js:38: await new Promise((resolve) => setTimeout(resolve, 20));',
        'it loops: it came back to this line within 200 ms',
        'stop called at channel.js:32: await this.running;',
      ],
    ];
    const slow: readonly (readonly [title: string, ...lines: string[]])[] = [
      ['slow › works step by step', 'waits at hooks.test.js:22', 'what ends the loop has not happened yet'],
      ['slow › works on one step', 'waits at hooks.test.js:27', 'what can settle it: a timer'],
    ];

    beforeAll(async () => {
      ({ stderr } = await runJest('hangs', {
        jest,
        args: [...args, ...selected],
        files,
        node,
        env: { CASTOFF_HANDLES: handles },
      }));
    }, 600_000);

    it.each(hanging.filter(inSample))(
      '%s: has the line that waits, and what can end the wait',
      (title, ...lines) => {
        const message = messageOf(`${title}\n`);
        for (const line of lines) expect(message).toContain(line);
      },
    );

    it.each(slow.filter(inSample))('%s: has the line, and no claim that it hangs', (title, ...lines) => {
      const message = messageOf(`${title}\n`);
      for (const line of lines) expect(message).toContain(line);
      expect(message).not.toMatch(/nothing can wake/);
    });

    it('has no function that another message has named', () => {
      for (const [title, named] of [
        ['waits for a worker', 'ticker'],
        ['with a receiver › receives', '#run'],
      ] as const) {
        expect(messageOf(`${title}\n`)).toContain('where it waits');
        expect(messageOf(`${title}\n`)).not.toContain(named);
      }
    });

    it('has what can call the callback that a test waits for', () => {
      const message = messageOf('calls nothing back\n');
      expect(message).toContain('waits for the callback done of the function at hangs.test.js:43');
      expect(message).toContain("variable bus → EventEmitter → a listener of 'done'");
    });
  },
);
