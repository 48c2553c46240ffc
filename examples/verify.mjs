// Checks a receipt, or the folder of an audit export, offline: node examples/verify.mjs GENESIS RECEIPT-OR-FOLDER
// It trusts the genesis and nothing else. In a browser the same code runs over files that were dropped on a page.

import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { verifyExport, verifyReceipt } from 'quadrille/verify'

const [genesisFile, path] = process.argv.slice(2)
const genesis = new Uint8Array(await readFile(genesisFile))

if ((await stat(path)).isDirectory()) {
  const { holds, height, findings } = await verifyExport(folder(path), { genesis })
  console.log(holds ? `everything up to height ${height} holds` : findings)
} else {
  const { holds, type, height, outcome, fault } = verifyReceipt(new Uint8Array(await readFile(path)), { genesis })
  console.log(holds ? `${type}: height ${height} ${outcome}` : fault)
}

/** Whatever lists paths and reads them is a bundle. */
function folder(root) {
  return {
    async list() {
      const found = await readdir(root, { recursive: true, withFileTypes: true })
      return found.filter((file) => file.isFile()).map((file) => relative(root, join(file.parentPath, file.name)))
    },
    read: async (file) => new Uint8Array(await readFile(join(root, file))),
  }
}
