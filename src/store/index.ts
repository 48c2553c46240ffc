// The public face of `quadrille/store`: an encrypted RDF/JS store for whoever has no consortium.

export { LedgerError } from '../base/errors.ts'
export { openStore, type PatternTerm, QuadStore, type QuadStoreOptions, type QuadView } from './quad-store.ts'
export type { UnlockProvider } from './unlock.ts'
