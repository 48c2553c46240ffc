// What a node keeps on disk, opened and closed as one.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from '#crypto'
import { toHex } from '../../src/base/bytes.ts'
import { lockDirectory } from '../../src/base/files.ts'
import { type LedgerId, nodeIdOf } from '../../src/base/ids.ts'
import { createFolders, homeAt } from '../../src/node/home.ts'
import { openParts, type Parts } from '../../src/node/parts.ts'
import { createIdentity } from '../../src/store/identity.ts'
import { createKeyRing } from '../../src/store/key-ring.ts'
import { createKeyFile, unlock } from '../../src/store/unlock.ts'
import { hasCode } from '../base/codes.ts'
import { block } from '../store/world.ts'

describe('The parts of a node', () => {
  let folder = ''

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quadrille-parts-'))
    const home = homeAt(folder)
    await createFolders(home)
    await createKeyFile(keyFile())
    const root = await unlock({ provider: 'key-file', path: keyFile() }, home.keys)
    const [consensus, transport, payload, checkpoint] = Array.from({ length: 4 }, () => randomBytes(32)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ]
    await createIdentity(home.identity, root, { consensus, transport, payload, checkpoint })
    await (await createKeyRing(home.keys, root)).close()
  })

  afterEach(() => rm(folder, { recursive: true }))

  const keyFile = (): string => join(folder, 'unlock.key')
  const opened = (): Promise<Parts> =>
    openParts({
      home: homeAt(folder),
      ledger: toHex(randomBytes(32)) as LedgerId,
      self: nodeIdOf('0a'.repeat(16)),
      unlock: { provider: 'key-file', path: keyFile() },
      seal: true,
    })

  it('are not opened, and nothing stays locked, when blocks were executed but the journal is gone', async () => {
    const { journal } = homeAt(folder)
    await (await opened()).close()
    await rm(journal, { recursive: true })
    const parts = await opened()
    await parts.store.commit(block(1))
    await parts.blocks.append([{ sequence: block(1).sequence, bytes: randomBytes(8) }])
    await parts.close()
    await (await opened()).close()
    await rm(journal, { recursive: true })
    await assert.rejects(opened(), hasCode('JOURNAL_MISSING'))
    await (await lockDirectory(homeAt(folder).data)).release()
  })

  it('are all closed when one of them fails to, and the first failure is told', async () => {
    const parts = await opened()
    for (const part of ['journal', 'blocks'] as const) {
      const close = parts[part].close.bind(parts[part])
      const failing = (): Promise<void> => close().then(() => Promise.reject(new Error(`the ${part}`)))
      Object.defineProperty(parts[part], 'close', { value: failing })
    }
    await assert.rejects(parts.close(), /the journal/)
    await (await opened()).close()
  })
})
