import { expect, it } from '@jest/globals';
import type { ResourceRecord } from '../../lib/verdict/verdict';
import { describeKept, formatKept } from '../../lib/run/describe-kept';

const kept: ResourceRecord = {
  key: '0a1b',
  kind: 'container',
  id: '3f2a91c0beef'.padEnd(64, '0'),
  name: 'brave_turing',
  origin: 'scope',
  owner: { scope: 'db.test.ts/stores', test: 'db stores', source: 'db.test.ts:12' },
  registeredAt: new Date(),
  state: 'kept',
  since: new Date(),
};

it('kept resources are listed with their test, line, ports and removal commands', () => {
  const network: ResourceRecord = {
    ...kept,
    kind: 'network',
    id: 'a'.repeat(64),
    name: 'app',
    owner: { ...kept.owner, test: undefined },
  };
  const volume: ResourceRecord = { ...network, kind: 'volume', id: 'b'.repeat(64), name: undefined };
  const project: ResourceRecord = { ...network, kind: 'compose-project', id: 'shop', name: 'shop' };
  const ports = [
    { port: '5432/tcp', hostPort: 49_153 },
    { port: '80/tcp', hostPort: 49_154 },
  ];
  expect(
    formatKept({ session: '0123456789ab', isRetained: true }, [
      { ...kept, ports },
      { ...network, ports: [] },
      { ...volume, ports: [] },
      { ...project, ports: [] },
    ]),
  ).toBe(
    `castoff: kept for failed tests, for 1 h or until a later run or 'npx castoff sweep' removes them (session 0123456789ab):
  container brave_turing (3f2a91c0beef): db stores, db.test.ts:12
    5432/tcp at localhost:49153
    80/tcp at localhost:49154
    docker logs brave_turing
    docker exec -it brave_turing sh
  network app (aaaaaaaaaaaa): db.test.ts/stores, db.test.ts:12
  volume ${'b'.repeat(64)}: db.test.ts/stores, db.test.ts:12
  Compose project shop: db.test.ts/stores, db.test.ts:12
    docker compose -p shop logs
  to remove them now:
    docker compose -p shop down -v
    docker rm -f -v brave_turing
    docker network rm app
    docker volume rm ${'b'.repeat(64)}
`,
  );
});

it('without a reaper, no time is named after which the kept resources are removed', () => {
  const [title] = formatKept({ session: '0123456789ab', isRetained: false }, [{ ...kept, ports: [] }]).split(
    '\n',
  );
  expect(title).toBe(
    "castoff: kept for failed tests, until a later run or 'npx castoff sweep' removes them (session 0123456789ab):",
  );
});

it('resources that are not kept are not listed', async () => {
  expect(
    await describeKept({ session: '0123456789ab', isRetained: true }, [{ ...kept, state: 'gone' }]),
  ).toBe('');
});
