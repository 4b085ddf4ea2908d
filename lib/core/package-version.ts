/**
 * The version in package.json, which the reaper's bundle and image do not contain; a spec compares the two.
 */
export const packageVersion = '0.1.0';
