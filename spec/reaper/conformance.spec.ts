import { afterAll, describe, expect, it } from '@jest/globals';
import { removeLeftovers } from '../support/leftovers';
import { betterRows } from '../support/ryuk-rows/better';
import { lifetimeRows } from '../support/ryuk-rows/lifetimes';
import { lineRows } from '../support/ryuk-rows/lines';
import { removalRows } from '../support/ryuk-rows/removals';
import { settingRows } from '../support/ryuk-rows/settings';
import { startRyukProgram } from '../support/ryuk-program';
import { conformanceImage, inImage, isOurs, observe } from '../support/ryuk-stage';
import { isLong } from '../support/spec-size';
import { docker } from '../support/things';

// Black box, over TCP. The rows of the first table also hold for testcontainers/ryuk:0.14.0: build it with
// docker/ryuk-original.sh and set CASTOFF_CONFORMANCE_IMAGE to its name.
const asRyuk = [...lineRows, ...lifetimeRows, ...removalRows, ...settingRows];

const rows = isOurs ? [...asRyuk, ...betterRows] : asRyuk;
const isInFull = isLong || !isOurs;

afterAll(() => removeLeftovers());

describe(`${conformanceImage}, as Ryuk`, () => {
  const own = rows.filter(({ isOfImage = false }) => isInFull || isOfImage);
  it.concurrent.each(own)('$behaviour', async (row) => {
    expect(await observe(row, inImage)).toEqual(row.expected);
  });

  it('has the configuration and log lines that clients of Ryuk expect of its image', async () => {
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

// `npm run test:long` runs these rows in the image, too.
if (!isInFull)
  describe('the program of that image, as Ryuk', () => {
    const others = rows.filter(
      ({ isOfImage = false, isInProtocolSpec = false }) => !isOfImage && !isInProtocolSpec,
    );
    it.concurrent.each(others)('$behaviour', async (row) => {
      expect(await observe(row, startRyukProgram)).toEqual(row.expected);
    });
  });
