// What libp2p 3 needs and Node 20 lacks: Promise.withResolvers (ES2024). Without it every inbound handshake dies and the
// dialer sees only a reset. Installed when the first mesh opens, before libp2p is imported: importing us changes nothing.

interface Resolvers<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T | PromiseLike<T>) => void
  readonly reject: (reason?: unknown) => void
}

/** Promise.withResolvers of ECMA-262 (2024), section 27.2.4.8. */
export function withResolvers<T>(): Resolvers<T> {
  let resolve: Resolvers<T>['resolve'] = () => {}
  let reject: Resolvers<T>['reject'] = () => {}
  const promise = new Promise<T>((fulfil, fail) => {
    resolve = fulfil
    reject = fail
  })
  return { promise, resolve, reject }
}

export function providePromiseWithResolvers(): void {
  if ('withResolvers' in Promise) return
  Object.defineProperty(Promise, 'withResolvers', { value: withResolvers, writable: true, configurable: true })
}
