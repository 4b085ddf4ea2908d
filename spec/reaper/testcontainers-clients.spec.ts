import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import pLimit from 'p-limit';
import { composeClient } from '../support/compose-client';
import { startClient } from '../support/ryuk-client-process';
import { isLong } from '../support/spec-size';
import { countByKind, findSessionResources, removeSessionResources } from '../support/ryuk-sessions';
import { conformanceImage } from '../support/ryuk-stage';
import { docker, uniqueName } from '../support/things';
import { until } from '../support/until';

const run = promisify(execFile);
const fixtures = join(__dirname, '../fixtures/ryuk');

const sessions: string[] = [];
afterAll(() => removeSessionResources(sessions));

// In one file, one after the other: testcontainers for Node takes any reaper that runs on the engine for its own.
describe(`${conformanceImage}, with`, () => {
  it('testcontainers for Node: everything of a process that is killed goes, the reaper too', async () => {
    const project = uniqueName();
    const compose = 'executable' in (await composeClient()) ? 'standalone' : 'plugin';
    const client = await startClient(
      conformanceImage,
      [process.execPath, join(fixtures, 'start-and-wait.cjs'), project, compose],
      { TESTCONTAINERS_RYUK_RECONNECTION_TIMEOUT: '1s' },
    );
    const { sessionId, reaperId }: { sessionId: string; reaperId: string } = JSON.parse(client.line);
    sessions.push(sessionId, project);

    const image = (await docker.getContainer(reaperId).inspect()).Config.Image;
    const before = countByKind(await findSessionResources([sessionId, project]));
    await client.kill();
    const isNothingLeft = async () => (await findSessionResources([sessionId, project])).length === 0;
    await until(isNothingLeft, 20_000, 200);

    expect({ image, before }).toEqual({
      image: conformanceImage,
      before: { container: 3, network: 2, volume: 1, reaper: 1 },
    });
    expect(await findSessionResources([sessionId, project])).toEqual([]);
  });

  // It connects 10 ms after the reaper's start, through the published port, sends one line, and never comes back. Its
  // window is 10 s.
  const pythons = isLong ? 20 : 2;
  it(`testcontainers for Python: ${pythons} of ${pythons} sessions that are killed are reaped, the reapers gone`, async () => {
    const python = (await run(join(__dirname, '../../docker/python-client.sh'))).stdout.trim();
    const limit = pLimit(5);
    const killed = await Promise.all(
      Array.from({ length: pythons }, () =>
        limit(async () => {
          const client = await startClient(conformanceImage, [python, join(fixtures, 'start_container.py')]);
          const sessionId = client.line;
          sessions.push(sessionId);
          const before = countByKind(await findSessionResources([sessionId]));
          await client.kill();
          return { sessionId, before };
        }),
      ),
    );
    const ids = killed.map(({ sessionId }) => sessionId);
    await until(async () => (await findSessionResources(ids)).length === 0, 20_000, 200);

    expect(killed.map(({ before }) => before)).toEqual(ids.map(() => ({ container: 1, reaper: 1 })));
    expect(await findSessionResources(ids)).toEqual([]);
  }, 150_000);
});
