import { localSocketPath } from '../lease/host-socket';
import { makeOwnFolder, makeShortFolder } from '../registry/own-folder';

/** Where the workers of the run with that session meet it: in this user's own folder. */
export function runAddress(session: string): string {
  const place = {
    platform: process.platform,
    folder: makeOwnFolder(),
    shortFolder: makeShortFolder(),
  };
  return localSocketPath(place, `run-${session}`);
}
