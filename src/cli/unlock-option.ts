// How an unlock provider is written on the command line. A secret itself never is.

import { resolve } from 'node:path'
import { LedgerError } from '../base/errors.ts'
import type { Config } from '../node/config.ts'

/** @throws LedgerError USAGE */
export function unlockFrom(option: string, given: string): Config['unlock'] {
  const [, provider, rest] = /^(key-file|fd|passphrase-fd):(.+)$/.exec(given) ?? []
  if (provider === 'key-file') return { provider, path: resolve(rest as string) }
  if (provider !== undefined && /^\d{1,4}$/.test(rest as string)) {
    const fd = Number(rest)
    return provider === 'fd' ? { provider, fd } : { provider: 'passphrase', fd }
  }
  throw new LedgerError('USAGE', { option, expected: 'key-file:PATH, fd:NUMBER or passphrase-fd:NUMBER' })
}

/** What opens the keys, for people. */
export function unlockText(unlock: Config['unlock']): string {
  if (unlock.provider === 'key-file') return unlock.path
  const what = unlock.provider === 'fd' ? 'the key' : 'the passphrase'
  return 'fd' in unlock ? `${what} from file descriptor ${unlock.fd}` : what
}
