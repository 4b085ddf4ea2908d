/** Whether matrices and soaks run in full, as with `npm run test:long`; otherwise, a sample of each runs. */
export const isLong = process.env['CASTOFF_SPECS'] === 'long';
