#!/usr/bin/env node
// The command: built JavaScript from dist/. A clone that was not built yet is told how.

import { existsSync } from 'node:fs'

const built = new URL('../dist/cli/main.js', import.meta.url)
if (existsSync(built)) {
  const { main } = await import(built.href)
  process.exitCode = await main(process.argv.slice(2))
} else {
  process.stderr.write('NOT_BUILT: Quadrille is not built yet. Run `npm ci && npm run build` in its folder.\n')
  process.exitCode = 3
}
