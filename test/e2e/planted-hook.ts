// Loaded into nodes before their command line: plants one of two faults into the built classes in the folder QUADRILLE_BUILT.
// `skip-purge` leaves everything on the disk, `keep-keys` destroys no key of an erased item.

type Class = { readonly prototype: Record<string, unknown> }

const built = async (path: string): Promise<Record<string, Class>> =>
  import(`${process.env['QUADRILLE_BUILT']}/${path}.js`)

/** Replaces a method that must be there. */
function plant(from: Class | undefined, name: string, method: () => Promise<unknown>): void {
  if (typeof from?.prototype[name] !== 'function') throw new Error(`there is no ${name} any more`)
  from.prototype[name] = method
}

if (process.argv.includes('start')) {
  if (process.env['QUADRILLE_PLANT'] === 'skip-purge') {
    const purged = { items: 0, records: 0, segments: 0, bytesRewritten: 0, generation: 0 }
    plant((await built('store/store'))['Store'], 'purge', async () => purged)
  } else plant((await built('store/key-bag'))['KeyBag'], 'drop', async () => undefined)
}
