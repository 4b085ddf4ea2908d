import { randomUUID } from 'node:crypto';
import { version } from '../../package.json';
import { type RyukContainer, type RyukOptions, startRyuk } from './ryuk-container';
import { NamedThings } from './ryuk-things';

const ours = `castoff/reaper:${version}`;

/** The image that is held to Ryuk's protocol: ours, or the one that the environment names. */
export const conformanceImage = process.env['CASTOFF_CONFORMANCE_IMAGE'] ?? ours;
export const isOurs = conformanceImage.startsWith('castoff/');

/** What one row of the tables has: a session of its own, its things, and reapers. */
export interface RyukStage {
  readonly session: string;
  /** What clients label the session's things with. */
  readonly labels: Readonly<Record<string, string>>;
  /** The line that claims them, without its end. */
  readonly line: string;
  readonly things: NamedThings;
  /** Starts a reaper, and waits for nothing. */
  readonly launch: (env?: RyukOptions['env'], options?: Omit<RyukOptions, 'env'>) => Promise<RyukContainer>;
  /** Starts a reaper, and waits until it says that it listens. */
  readonly start: (env?: RyukOptions['env'], options?: Omit<RyukOptions, 'env'>) => Promise<RyukContainer>;
}

/** One thing that clients rely on: what is done, and what is to be seen. */
export interface RyukRow {
  readonly behaviour: string;
  /** What the container and the image have a part in: seen there every day, and not in the program alone. */
  readonly isOfImage?: true;
  /** Of the program, spec/reaper/protocol.spec.ts shows it every day. */
  readonly isInProtocolSpec?: true;
  readonly observe: (stage: RyukStage) => Promise<unknown>;
  readonly expected: unknown;
  /** What the original does instead. */
  readonly original?: string;
}

/** Waits that are short enough for a spec; none of them is a default that a client relies on. */
const shortEnv = { RYUK_RECONNECTION_TIMEOUT: '200ms', RYUK_CHANGES_RETRY_INTERVAL: '200ms' };

/** Starts a reaper in a container of the image that is held to the protocol. */
export const inImage = (options: RyukOptions): Promise<RyukContainer> => startRyuk(conformanceImage, options);

/** Plays one row, and ends the reapers that it has left running. */
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
    throw new Error(`start ${conformanceImage}: it did not say that it listens, but:\n${ryuk.log()}`);
  };
  const labels = { 'org.testcontainers': 'true', 'org.testcontainers.session-id': session };
  const line = `label=org.testcontainers.session-id=${session}`;
  try {
    return await row.observe({ session, labels, line, things: new NamedThings(), launch, start });
  } finally {
    // One that ends by itself at this moment answers the signal with 404 or 409: its end is what counts.
    await Promise.allSettled(started.map((ryuk) => ryuk.signal('SIGKILL')));
    await Promise.all(started.map((ryuk) => ryuk.ended));
  }
}
