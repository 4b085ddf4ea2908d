import { afterAll, describe, expect, it } from '@jest/globals';
import { removeLeftovers } from '../support/leftovers';
import { betterRows } from '../support/ryuk-rows/better';
import { lifetimeRows } from '../support/ryuk-rows/lifetimes';
import { lineRows } from '../support/ryuk-rows/lines';
import { removalRows } from '../support/ryuk-rows/removals';
import { settingRows } from '../support/ryuk-rows/settings';
import { conformanceImage, isOurs, observe } from '../support/ryuk-stage';
import { docker } from '../support/things';

// Black box, over TCP. What stands in the first table is true of testcontainers/ryuk:0.14.0 too: build it with
// docker/ryuk-original.sh and set CASTOFF_CONFORMANCE_IMAGE to that name.
const asRyuk = [...lineRows, ...lifetimeRows, ...removalRows, ...settingRows];

describe(`${conformanceImage}, as Ryuk`, () => {
  afterAll(() => removeLeftovers());

  it.concurrent.each(isOurs ? [...asRyuk, ...betterRows] : asRyuk)('$behaviour', async (row) => {
    expect(await observe(row)).toEqual(row.expected);
  });

  it('is an image that clients know, wait for and start as it is', async () => {
    const { Config } = await docker.getImage(conformanceImage).inspect();
    const { Healthcheck, ExposedPorts } = Config as {
      readonly Healthcheck?: unknown;
      readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
    };
    const ports = Object.keys(ExposedPorts ?? {}).map((port) => Number.parseInt(port, 10));
    expect(Config.Labels).toMatchObject({ 'org.testcontainers.ryuk': 'true' });
    expect(Healthcheck).toBeUndefined();
    expect(ports.filter((port) => port < 8080)).toEqual([]);
  });
});
