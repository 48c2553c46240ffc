// Loaded into a node before its command line: once SIGUSR2 has armed it, or from the start with QUADRILLE_DISK_FROM=start, every
// write and every sync of a file fails as the operating system says that QUADRILLE_DISK_FAILS names: ENOSPC, EROFS, EIO.
// With EIO writes succeed and only syncs fail, which is how a dying disk first shows.

import { open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const code = process.env['QUADRILLE_DISK_FAILS']

type Failing = Record<string, (...args: unknown[]) => Promise<unknown>>

async function install(): Promise<void> {
  let armed = process.env['QUADRILLE_DISK_FROM'] === 'start'
  process.on('SIGUSR2', () => {
    armed = true
  })
  const file = await open(fileURLToPath(import.meta.url), 'r')
  const methods = Object.getPrototypeOf(file) as Failing
  await file.close()
  const failing = code === 'EIO' ? ['sync', 'datasync'] : ['write', 'writeFile', 'sync', 'datasync', 'truncate']
  for (const name of failing) {
    const original = methods[name]
    if (original === undefined) throw new Error(`files have no ${name}`)
    methods[name] = function (...args) {
      if (!armed) return original.apply(this, args)
      return Promise.reject(Object.assign(new Error(`${code}: played by a test`), { code, syscall: name }))
    }
  }
}

if (code !== undefined) await install()
