/** As in package.json, which neither the reaper's single file nor its image has beside it; a spec holds the two together. */
export const packageVersion = '0.1.0';
