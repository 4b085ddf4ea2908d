import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { askEngine } from './ask-engine';
import { built } from './built';

const run = promisify(execFile);
const toldBefore = 'CASTOFF_SPEC_ENGINE_TOLD';
const lib = join(__dirname, '../../lib');

/**
 * Prints the engine that the specs run on, checks that castoff is built from `lib` as it is now, and builds the
 * reaper's image unless it is up to date: spec files that built it at the same time would remove each other's.
 * Without all of these, the specs fail: a skipped spec proves nothing.
 */
export default async function engineSetup(): Promise<void> {
  if (process.env[toldBefore]) return;
  checkBuild();
  const address = process.env['DOCKER_HOST'] || 'unix:///var/run/docker.sock';
  const { Version, ApiVersion, Components } = await askVersion(address);
  const name = Components?.some((component) => component.Name === 'Podman Engine') ? 'Podman' : 'Docker';
  console.log(`specs run on ${name} ${Version} (API ${ApiVersion}, ${address})`);
  await run(process.execPath, [built.cli, 'reaper', 'image']);
  process.env[toldBefore] = '1';
}

function checkBuild(): void {
  const builtMs = Object.values(built).map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  const changed = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter(
    (file) => statSync(join(lib, file)).mtimeMs > Math.min(...builtMs),
  );
  if (changed.length > 0)
    throw new Error(`the build is older than lib (${changed.slice(0, 3).join(', ')}): run npm run build`);
}

interface EngineVersion {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly Components?: readonly { readonly Name: string }[];
}

async function askVersion(address: string): Promise<EngineVersion> {
  try {
    const version: EngineVersion = JSON.parse(await readVersion(address));
    return version;
  } catch (cause) {
    throw new Error(`no engine answers on ${address}: run docker/engine.sh, or set DOCKER_HOST`, { cause });
  }
}

/** Uses the docker command, which supports TLS and ssh. */
async function readVersion(address: string): Promise<string> {
  if (address.startsWith('unix://')) {
    return (await askEngine(address.slice('unix://'.length), 'GET', '/version')).body;
  }
  const { stdout } = await run('docker', ['version', '--format', '{{json .Server}}'], { timeout: 15_000 });
  return stdout;
}
