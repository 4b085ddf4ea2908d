import { randomUUID } from 'node:crypto';
import { version } from '../../package.json';
import { type RyukContainer, type RyukOptions, startRyuk } from './ryuk-container';
import { NamedResources } from './named-resources';

const ours = `castoff/reaper:${version}`;

/** The image to test for Ryuk's protocol: castoff's, or the one in CASTOFF_CONFORMANCE_IMAGE. */
export const conformanceImage = process.env['CASTOFF_CONFORMANCE_IMAGE'] ?? ours;
export const isOurs = conformanceImage.startsWith('castoff/');

/** Everything that one row of the tables uses: a session, its resources, and reapers. */
export interface RyukStage {
  readonly session: string;
  /** Labels that clients put on the session's resources. */
  readonly labels: Readonly<Record<string, string>>;
  /** The line that claims them, without a line end. */
  readonly line: string;
  readonly resources: NamedResources;
  /** Starts a reaper without waiting for it. */
  readonly launch: (env?: RyukOptions['env'], options?: Omit<RyukOptions, 'env'>) => Promise<RyukContainer>;
  /** Starts a reaper, and waits until it logs that it listens. */
  readonly start: (env?: RyukOptions['env'], options?: Omit<RyukOptions, 'env'>) => Promise<RyukContainer>;
}

/** One behaviour that clients rely on: what to do, and the expected result. */
export interface RyukRow {
  readonly behaviour: string;
  /** Depends on the container or the image: always tested there, not only in the program. */
  readonly isOfImage?: true;
  /** Already tested for the program by spec/reaper/protocol.spec.ts. */
  readonly isInProtocolSpec?: true;
  readonly observe: (stage: RyukStage) => Promise<unknown>;
  readonly expected: unknown;
  /** Ryuk's behaviour, where it differs. */
  readonly original?: string;
}

/** Short timeouts; clients rely on none of these defaults. */
const shortEnv = { RYUK_RECONNECTION_TIMEOUT: '200ms', RYUK_CHANGES_RETRY_INTERVAL: '200ms' };

/** Starts a reaper in a container of the tested image. */
export const inImage = (options: RyukOptions): Promise<RyukContainer> => startRyuk(conformanceImage, options);

/** Runs one row, and kills its reapers afterwards. */
export async function observe(
  row: RyukRow,
  startReaper: (options: RyukOptions) => Promise<RyukContainer>,
): Promise<unknown> {
  const started: RyukContainer[] = [];
  const session = randomUUID();
  const launch: RyukStage['launch'] = async (env = {}, options = {}) => {
    const ryuk = await startReaper({ ...options, env: { ...shortEnv, ...env } });
    started.push(ryuk);
    return ryuk;
  };
  const start: RyukStage['start'] = async (env, options) => {
    const ryuk = await launch(env, options);
    if (await ryuk.says(/msg=Started address=\S+/)) return ryuk;
    throw new Error(`start ${conformanceImage}: it did not log that it listens:\n${ryuk.log()}`);
  };
  const labels = { 'org.testcontainers': 'true', 'org.testcontainers.session-id': session };
  const line = `label=org.testcontainers.session-id=${session}`;
  try {
    return await row.observe({ session, labels, line, resources: new NamedResources(), launch, start });
  } finally {
    // 404 or 409: the reaper has just exited by itself.
    await Promise.allSettled(started.map((ryuk) => ryuk.signal('SIGKILL')));
    await Promise.all(started.map((ryuk) => ryuk.ended));
  }
}
