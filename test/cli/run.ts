// The command line as a process, from its sources: what bin/quadrille.js does with the built files.

import { main } from '../../src/cli/main.ts'

process.exitCode = await main(process.argv.slice(2))
