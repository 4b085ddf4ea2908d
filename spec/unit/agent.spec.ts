import { inspect } from 'node:util';
import { expect, it } from '@jest/globals';
import { agentFor } from '../../lib/engine/agent';

it('an agent says whose it is and no more, since docker-modem inspects it to the last depth with each request', () => {
  const agent = agentFor({
    address: 'unix:///run/engine.sock',
    from: 'option',
    transport: { type: 'socket', path: '/run/engine.sock' },
  });
  expect(inspect({ agent }, { showHidden: true, depth: null })).toBe(
    '{ agent: Agent of unix:///run/engine.sock }',
  );
});
