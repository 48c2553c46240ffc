// `npm run docs`: writes the documents that are printed from the code.

import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { printErrors } from './errors.ts'
import { printWire } from './print.ts'

const docs = resolve(import.meta.dirname, '../../docs')
writeFileSync(join(docs, 'wire.cddl'), printWire())
writeFileSync(join(docs, 'errors.md'), printErrors())
