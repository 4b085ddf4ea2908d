// A relay in a process of its own, as in `castoff run`: listens at the path in its first argument and prints a line.
const { openRelay } = require('../../lib/relay/relay.ts');
const { rawConnectionsTo } = require('../../lib/engine/raw-connection.ts');

const endpoint = {
  address: 'unix:///var/run/docker.sock',
  from: 'bench',
  transport: { type: 'socket', path: '/var/run/docker.sock' },
};

async function serve() {
  const relay = await openRelay({
    path: process.argv[2],
    connect: rawConnectionsTo(endpoint),
    onCreation: async () => ({ labels: { 'castoff-bench': 'relay' }, settle: async () => undefined }),
    onError: (what, error) => console.error(what, error),
  });
  console.log('listening');
  process.stdin.resume().once('end', () => void relay.close());
}

void serve();
