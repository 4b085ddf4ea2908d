import { inspect } from 'node:util';
import { expect, it } from '@jest/globals';
import { agentFor } from '../../lib/engine/agent';

it('an agent is inspected as one line, because docker-modem inspects it in full depth for each request', () => {
  const agent = agentFor({
    address: 'unix:///run/engine.sock',
    from: 'option',
    transport: { type: 'socket', path: '/run/engine.sock' },
  });
  expect(inspect({ agent }, { showHidden: true, depth: null })).toBe(
    '{ agent: Agent of unix:///run/engine.sock }',
  );
});
