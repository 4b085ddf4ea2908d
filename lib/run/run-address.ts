import { localSocketPath } from '../lease/host-socket';
import { makeOwnFolder, makeShortFolder } from '../registry/own-folder';

/**
 * Returns the path of the socket at which the run of that session listens for workers, in a private folder of
 * this user.
 */
export function runAddress(session: string): string {
  const place = {
    platform: process.platform,
    folder: makeOwnFolder(),
    shortFolder: makeShortFolder(),
  };
  return localSocketPath(place, `run-${session}`);
}
