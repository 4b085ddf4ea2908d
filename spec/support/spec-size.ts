/** Whether matrices and soaks run in full, as with `npm run test:long`; else a sample of each does. */
export const isLong = process.env['CASTOFF_SPECS'] === 'long';
