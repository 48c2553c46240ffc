// What `npm test` leaves to `npm run verify:long`, which sets QUADRILLE_LONG=1.

/** True in `npm run verify:long`. */
export const long: boolean = process.env['QUADRILLE_LONG'] === '1'
export const describeLong: typeof describe | typeof describe.skip = long ? describe : describe.skip
export const itLong: typeof it | typeof it.skip = long ? it : it.skip
