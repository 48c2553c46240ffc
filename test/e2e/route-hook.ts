// Loaded into a node before its command line: whoever dials a port that QUADRILLE_ROUTES names reaches another one instead, where a
// test decides what passes. The node itself knows nothing of it.

import net from 'node:net'

const routes = JSON.parse(process.env['QUADRILLE_ROUTES'] ?? '{}') as Readonly<Record<string, number>>
const connect = net.connect as (...args: unknown[]) => net.Socket

net.connect = ((...args: unknown[]): net.Socket => {
  const [first, ...rest] = args
  if (typeof first !== 'object' || first === null || !('port' in first)) return connect(...args)
  return connect({ ...first, port: routes[String(first.port)] ?? first.port }, ...rest)
}) as typeof net.connect
