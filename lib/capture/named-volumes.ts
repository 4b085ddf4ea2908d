import { isFields, type Fields } from '../core/fields';

/** A volume that a container mounts by name. If it does not exist, the engine creates it, without labels. */
export interface NamedVolume {
  readonly name: string;
  /** `undefined` for the engine's default. */
  readonly driver: string | undefined;
  readonly driverOptions: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** One letter is the drive of a path on Windows. @see Docker, volume names */
const volumeName = /^[a-zA-Z0-9][\w.-]+$/;

/**
 * Returns the volumes that a container's create request mounts by name.
 *
 * @param body - `HostConfig.Binds`: `["data:/var/lib/data:ro"]`; `HostConfig.Mounts`: `[{ "Type": "volume",
 * "Source": "data", "VolumeOptions": { "DriverConfig": { "Name": "local", "Options": {} }, "Labels": {} } }]`
 * @see Engine API, ContainerCreate
 */
export function readNamedVolumes({ HostConfig: host }: Fields): readonly NamedVolume[] {
  if (!isFields(host)) return [];
  const { Binds: binds, Mounts: mounts, VolumeDriver: driver } = host;
  const plain = { driver: textOf(driver), driverOptions: {}, labels: {} };
  const bound = listOf(binds).map((bind) => ({ ...plain, name: String(bind).split(':')[0] ?? '' }));
  const mounted = listOf(mounts).flatMap((mount) =>
    isFields(mount) && mount['Type'] === 'volume' ? [readMount(mount)] : [],
  );
  const volumes = [...bound, ...mounted].filter(({ name }) => volumeName.test(name));
  return [...new Map(volumes.map((volume) => [volume.name, volume])).values()];
}

function readMount({ Source: source, VolumeOptions: options }: Fields): NamedVolume {
  const { DriverConfig: config, Labels: labels } = isFields(options) ? options : {};
  const { Name: driver, Options: driverOptions } = isFields(config) ? config : {};
  return {
    name: textOf(source) ?? '',
    driver: textOf(driver),
    driverOptions: textsOf(driverOptions),
    labels: textsOf(labels),
  };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function textsOf(value: unknown): Record<string, string> {
  if (!isFields(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, String(text)]));
}
