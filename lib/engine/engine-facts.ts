import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { CastoffError, messageOf } from '../core/errors';
import { readVariable, type Environment } from '../core/environment';
import { errnoOf } from '../core/errno';
import { isFields, type Fields } from '../core/fields';
import type { Tls } from './endpoint';
import type * as relayedEngine from './relayed-engine';

/** The machine and user that an engine is found for. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly uid?: number | undefined;
  readonly env: Environment;
}

/** The settings that decide which engine to use, as read from the machine. */
export interface EngineFacts extends Machine {
  /** From `DOCKER_TLS_VERIFY` or `DOCKER_TLS`. */
  readonly tls?: Tls | undefined;
  /** The context chosen by `docker context use`. */
  readonly currentContext?: string | undefined;
  readonly contexts: readonly DockerContext[];
  readonly testcontainers: TestcontainersProperties;
}

interface DockerContext {
  readonly name: string;
  /** Absent when the context has no docker endpoint; empty for the default address. */
  readonly host?: string | undefined;
  readonly tls?: Tls | undefined;
}

interface TestcontainersProperties {
  readonly tcHost?: string | undefined;
  readonly dockerHost?: string | undefined;
  readonly tls?: Tls | undefined;
}

/** Returns the machine and user of this process. */
export function thisMachine(): Machine {
  return { platform: process.platform, home: homedir(), uid: process.getuid?.(), env: ownEnvironment() };
}

/** Returns the variables of this process; inside `castoff run`, those outside of it. */
function ownEnvironment(): Environment {
  const { env } = process;
  if (readVariable('CASTOFF_RELAY') === undefined) return env;
  const late = require('./relayed-engine') as typeof relayedEngine;
  return late.bypassRelay(env);
}

/**
 * Reads the docker configuration, its contexts and `~/.testcontainers.properties`, unless the environment
 * alone decides. Files that do not exist are skipped. Reads synchronously: the thread pool takes 2 ms for the first file.
 *
 * @throws CastoffError `CONFIG_INVALID` when an existing file cannot be read or parsed; names the file.
 * @see docker/cli, `cli/config`, `cli/context/store`; testcontainers, `strategies/utils/config`
 */
export async function readEngineFacts(machine: Machine = thisMachine()): Promise<EngineFacts> {
  const { DOCKER_HOST: host } = machine.env;
  // The only candidate: files that are not needed may be invalid.
  if (host) return { ...machine, tls: await readEnvTls(machine), contexts: [], testcontainers: {} };
  const folder = dockerFolder(machine);
  const currentContext = machine.env.DOCKER_CONTEXT
    ? undefined
    : readCurrentContext(join(folder, 'config.json'));
  const tls = await readEnvTls(machine);
  const contexts = readContexts(join(folder, 'contexts'), machine.env.DOCKER_CONTEXT || currentContext);
  const testcontainers = readTestcontainersProperties(machine);
  return { ...machine, tls, currentContext, contexts, testcontainers };
}

/**
 * Resolves to the TLS settings from `DOCKER_TLS_VERIFY` or `DOCKER_TLS`, with the PEM files in
 * `DOCKER_CERT_PATH`, or else in the docker folder.
 */
export async function readEnvTls(machine: Machine = thisMachine()): Promise<Tls | undefined> {
  const { DOCKER_TLS_VERIFY: verify, DOCKER_TLS: encrypt, DOCKER_CERT_PATH: folder } = machine.env;
  if (!verify && !encrypt) return undefined;
  return { ...readPems(folder || dockerFolder(machine)), isVerified: Boolean(verify) };
}

function dockerFolder({ env, home }: Machine): string {
  return env.DOCKER_CONFIG || join(home, '.docker');
}

function readCurrentContext(file: string): string | undefined {
  const { currentContext } = readJson(file) ?? {};
  if (currentContext === undefined || typeof currentContext === 'string') return currentContext;
  throw invalidFile(file, `currentContext is not a string: ${JSON.stringify(currentContext)}`);
}

function readContexts(folder: string, wanted: string | undefined): DockerContext[] {
  const ids = readIfExists(join(folder, 'meta'), (path) => readdirSync(path)) ?? [];
  const contexts = ids.map((id) => {
    try {
      return readContext(folder, id);
    } catch (error) {
      if (wanted !== undefined && id === createHash('sha256').update(wanted).digest('hex')) throw error;
      // Like docker, require only the context in use to be valid; the others are read for their names.
      return undefined;
    }
  });
  const found = contexts.filter((context) => context !== undefined);
  return found.toSorted((first, second) => (first.name < second.name ? -1 : 1));
}

function readContext(folder: string, id: string): DockerContext | undefined {
  const file = join(folder, 'meta', id, 'meta.json');
  // {"Name":"remote","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://10.0.0.1:2376","SkipTLSVerify":false}}}
  const meta = readJson(file);
  if (meta === undefined) return undefined;
  const { Name: name, Endpoints: endpoints } = meta;
  if (typeof name !== 'string') throw invalidFile(file, 'Name is missing');
  const docker = isFields(endpoints) ? endpoints.docker : undefined;
  if (!isFields(docker)) return { name };
  const { Host: host = '', SkipTLSVerify: isUnverified } = docker;
  if (typeof host !== 'string') throw invalidFile(file, `Host is not a string: ${JSON.stringify(host)}`);
  const pems = readPems(join(folder, 'tls', id, 'docker'));
  const isVerified = isUnverified !== true;
  const hasTls = !isVerified || [pems.ca, pems.cert, pems.key].some((pem) => pem !== undefined);
  return { name, host, tls: hasTls ? { ...pems, isVerified } : undefined };
}

function readTestcontainersProperties({ env, home }: Machine): TestcontainersProperties {
  const text = readIfExists(join(home, '.testcontainers.properties'), readText);
  const properties = parseProperties(text ?? '');
  const verify = env.DOCKER_TLS_VERIFY ?? properties.get('docker.tls.verify');
  const certPath = env.DOCKER_CERT_PATH ?? properties.get('docker.cert.path');
  const dockerHost = properties.get('docker.host');
  const hasTls = dockerHost !== undefined && certPath && (verify === '1' || verify === 'true');
  return {
    tcHost: properties.get('tc.host'),
    dockerHost,
    tls: hasTls ? { ...readPems(certPath), isVerified: true } : undefined,
  };
}

/** Parses `key=value` lines; Java writes `tcp\://host\:1` for `tcp://host:1`. */
function parseProperties(text: string): Map<string, string> {
  const lines = text.matchAll(/^[ \t]*([^#!=\s][^#=\n]*?)[ \t]*=(.*)$/gm);
  return new Map(
    [...lines].map(([, key = '', value = '']) => [key, value.trim().replaceAll(/\\([\\:=#! ])/g, '$1')]),
  );
}

function readPems(folder: string): Omit<Tls, 'isVerified'> {
  const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) =>
    readIfExists(join(folder, name), readText),
  );
  return { ca, cert, key, folder: resolve(folder) };
}

function readJson(file: string): Fields | undefined {
  const text = readIfExists(file, readText);
  if (text === undefined || text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalidFile(file, `invalid JSON: ${messageOf(error)}`, error);
  }
  if (isFields(value)) return value;
  throw invalidFile(file, 'not a JSON object');
}

function readText(file: string): string {
  return readFileSync(file, 'utf8');
}

function readIfExists<T>(path: string, read: (path: string) => T): T | undefined {
  try {
    return read(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw invalidFile(path, messageOf(error), error);
  }
}

function invalidFile(file: string, reason: string, cause?: unknown): CastoffError {
  const options = cause === undefined ? {} : { cause };
  return new CastoffError('CONFIG_INVALID', `read ${file}: ${reason}; fix the file or move it away`, options);
}
