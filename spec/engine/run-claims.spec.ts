import { describe, expect, it } from '@jest/globals';
import { claimedLabels } from '../../lib/registry/claims';
import { openRun } from '../../lib/run/run';
import { resolveSettings } from '../../lib/runner/options';

const project = ['com.docker.compose.project=castoff-spec-claimed'];

describe('what a run has claimed', () => {
  it('is given up with it: the next run of a watching process does not take it for its own', async () => {
    const run = await openRun(resolveSettings({}, {}));
    await run.claim(project);
    expect(claimedLabels()).toContainEqual({ labels: project });
    await run.close();
    expect(claimedLabels()).not.toContainEqual({ labels: project });
  });
});
