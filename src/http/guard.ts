// Only this machine: the server binds the loopback, and a request must name the loopback as its host, so that a web page
// whose name was pointed here afterwards (DNS rebinding), or that posts a form here, reaches nothing.

import { LedgerError } from '../base/errors.ts'

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Whether an address to bind is of this machine only. Names other than localhost are not trusted to stay so. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** @throws LedgerError HTTP_UNPROTECTED */
export function requireLoopback(host: string): void {
  if (!isLoopback(host)) throw new LedgerError('HTTP_UNPROTECTED', { bind: host })
}

/** @throws LedgerError HOST_REFUSED */
export function requireLocalRequest(host: string | undefined, origin: string | undefined): void {
  if (!isLocalAuthority(host)) throw new LedgerError('HOST_REFUSED', { header: 'host' })
  if (origin !== undefined && !isLocalAuthority(/^https?:\/\/([^/]*)$/.exec(origin)?.[1])) {
    throw new LedgerError('HOST_REFUSED', { header: 'origin' })
  }
}

function isLocalAuthority(authority: string | undefined): boolean {
  const name = authority?.replace(/:\d{1,5}$/, '').toLowerCase()
  return name !== undefined && (loopbackNames.has(name) || isLoopback(name))
}
