// What `npm test` leaves to `npm run verify:long`, which sets QUADRILLE_LONG=1.

/** True in `npm run verify:long`. */
export const long: boolean = process.env['QUADRILLE_LONG'] === '1'

// Mocha gives each file its own `describe` and `it`, also where one process runs several files: they are looked up when called.

export function describeLong(title: string, body: (this: Mocha.Suite) => void): void {
  if (long) describe(title, body)
  else describe.skip(title, body)
}

export function itLong(title: string, body: Mocha.AsyncFunc): void {
  if (long) it(title, body)
  else it.skip(title, body)
}
