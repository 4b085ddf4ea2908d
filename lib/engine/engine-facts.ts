import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { CastoffError, messageOf } from '../core/errors';
import type { Tls } from './endpoint';

/** The machine and the user that look for an engine. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly uid?: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** All that decides where to look for an engine, as read from the machine. */
export interface EngineFacts extends Machine {
  /** What `DOCKER_TLS_VERIFY` or `DOCKER_TLS` ask for. */
  readonly tls?: Tls | undefined;
  /** The context that `docker context use` chose. */
  readonly currentContext?: string | undefined;
  readonly contexts: readonly DockerContext[];
  readonly testcontainers: TestcontainersProperties;
}

export interface DockerContext {
  readonly name: string;
  /** Missing where the context is for something else than docker; empty where it means the default. */
  readonly host?: string | undefined;
  readonly tls?: Tls | undefined;
}

/** What `~/.testcontainers.properties` says of engines. */
export interface TestcontainersProperties {
  readonly tcHost?: string | undefined;
  readonly dockerHost?: string | undefined;
  readonly tls?: Tls | undefined;
}

export function thisMachine(): Machine {
  return { platform: process.platform, home: homedir(), uid: process.getuid?.(), env: process.env };
}

/**
 * Reads the docker configuration, its contexts and `~/.testcontainers.properties`, as far as the environment does not decide without them.
 * What is not there is left out.
 *
 * @throws CastoffError `CONFIG_INVALID` when a file that is there cannot be read or understood; names the file.
 * @see docker/cli, `cli/config`, `cli/context/store`; testcontainers, `strategies/utils/config`
 */
export async function readEngineFacts(machine: Machine = thisMachine()): Promise<EngineFacts> {
  const { DOCKER_HOST: host } = machine.env;
  // It stands alone: what is not needed may be broken.
  if (host) return { ...machine, tls: await readEnvTls(machine), contexts: [], testcontainers: {} };
  const folder = dockerFolder(machine);
  const currentContext = machine.env.DOCKER_CONTEXT
    ? undefined
    : await readCurrentContext(join(folder, 'config.json'));
  const [tls, contexts, testcontainers] = await Promise.all([
    readEnvTls(machine),
    readContexts(join(folder, 'contexts'), machine.env.DOCKER_CONTEXT || currentContext),
    readTestcontainersProperties(machine),
  ]);
  return { ...machine, tls, currentContext, contexts, testcontainers };
}

/** What `DOCKER_TLS_VERIFY` or `DOCKER_TLS` ask for, with the PEM files of `DOCKER_CERT_PATH`, else of the docker folder. */
export async function readEnvTls(machine: Machine = thisMachine()): Promise<Tls | undefined> {
  const { DOCKER_TLS_VERIFY: verify, DOCKER_TLS: encrypt, DOCKER_CERT_PATH: folder } = machine.env;
  if (!verify && !encrypt) return undefined;
  return { ...(await readPems(folder || dockerFolder(machine))), isVerified: Boolean(verify) };
}

function dockerFolder({ env, home }: Machine): string {
  return env.DOCKER_CONFIG || join(home, '.docker');
}

async function readCurrentContext(file: string): Promise<string | undefined> {
  const { currentContext } = (await readJson(file)) ?? {};
  if (currentContext === undefined || typeof currentContext === 'string') return currentContext;
  throw unusable(file, `its currentContext is not a text: ${JSON.stringify(currentContext)}`);
}

async function readContexts(folder: string, wanted: string | undefined): Promise<DockerContext[]> {
  const ids = await whenThere(join(folder, 'meta'), (path) => readdir(path));
  const contexts = (ids ?? []).map(async (id) => {
    try {
      return await readContext(folder, id);
    } catch (error) {
      if (wanted !== undefined && id === createHash('sha256').update(wanted).digest('hex')) throw error;
      // Docker too reads only the context in use; the others are wanted for their names.
      return undefined;
    }
  });
  const found = (await Promise.all(contexts)).filter((context) => context !== undefined);
  return found.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

async function readContext(folder: string, id: string): Promise<DockerContext | undefined> {
  const file = join(folder, 'meta', id, 'meta.json');
  // {"Name":"remote","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://10.0.0.1:2376","SkipTLSVerify":false}}}
  const meta = await readJson(file);
  if (meta === undefined) return undefined;
  const { Name: name, Endpoints: endpoints } = meta;
  if (typeof name !== 'string') throw unusable(file, 'it has no Name');
  const docker = isRecord(endpoints) ? endpoints.docker : undefined;
  if (!isRecord(docker)) return { name };
  const { Host: host = '', SkipTLSVerify: isUnverified } = docker;
  if (typeof host !== 'string') throw unusable(file, `its Host is not a text: ${JSON.stringify(host)}`);
  const pems = await readPems(join(folder, 'tls', id, 'docker'));
  const isVerified = isUnverified !== true;
  const hasTls = !isVerified || Object.values(pems).some((pem) => pem !== undefined);
  return { name, host, tls: hasTls ? { ...pems, isVerified } : undefined };
}

async function readTestcontainersProperties({ env, home }: Machine): Promise<TestcontainersProperties> {
  const text = await whenThere(join(home, '.testcontainers.properties'), readText);
  const properties = parseProperties(text ?? '');
  const verify = env.DOCKER_TLS_VERIFY ?? properties.get('docker.tls.verify');
  const certPath = env.DOCKER_CERT_PATH ?? properties.get('docker.cert.path');
  const dockerHost = properties.get('docker.host');
  const hasTls = dockerHost !== undefined && certPath && (verify === '1' || verify === 'true');
  return {
    tcHost: properties.get('tc.host'),
    dockerHost,
    tls: hasTls ? { ...(await readPems(resolve(certPath))), isVerified: true } : undefined,
  };
}

/** `key=value` lines; Java writes `tcp\://host\:1` for `tcp://host:1`. */
function parseProperties(text: string): Map<string, string> {
  const lines = text.matchAll(/^[ \t]*([^#!=\s][^#=\n]*?)[ \t]*=(.*)$/gm);
  return new Map(
    [...lines].map(([, key = '', value = '']) => [key, value.trim().replaceAll(/\\([\\:=#! ])/g, '$1')]),
  );
}

async function readPems(folder: string): Promise<Omit<Tls, 'isVerified'>> {
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => whenThere(join(folder, name), readText)),
  );
  return { ca, cert, key };
}

async function readJson(file: string): Promise<Record<string, unknown> | undefined> {
  const text = await whenThere(file, readText);
  if (text === undefined || text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unusable(file, `it is not JSON: ${messageOf(error)}`, error);
  }
  if (isRecord(value)) return value;
  throw unusable(file, 'it is not a JSON object');
}

function readText(file: string): Promise<string> {
  return readFile(file, 'utf8');
}

async function whenThere<T>(path: string, read: (path: string) => Promise<T>): Promise<T | undefined> {
  try {
    return await read(path);
  } catch (error) {
    const code = isRecord(error) ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unusable(path, messageOf(error), error);
  }
}

function unusable(file: string, why: string, cause?: unknown): CastoffError {
  const options = cause === undefined ? {} : { cause };
  return new CastoffError('CONFIG_INVALID', `read ${file}: ${why}; mend it, or move it away`, options);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
