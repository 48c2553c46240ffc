// quadrille backup, and keys backup: what a running node keeps, into a folder; and the keys of its items, into a file.

import { existsSync } from 'node:fs'
import { LedgerError } from '../../base/errors.ts'
import { writeFileAtomic } from '../../base/files.ts'
import { openRequester } from '../../http/client-request.ts'
import { writeBackup } from '../../node/backup-folder.ts'
import { type BackupFrame, framesIn } from '../../node/backup-form.ts'
import { argument, type Context, type Handler, type Options } from '../context.ts'
import { endpointOf } from '../node-access.ts'

const mib = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`

export const backup: Handler = async (args, options, context) => {
  const folder = argument(args, 0)
  const answer = await ask(options, context, '/backup')
  if (answer.body === null) throw new LedgerError('BACKUP_INTERRUPTED')
  const { manifest, progress } = await writeBackup(folder, unbroken(answer.body), ({ parts, bytes, written, about }) =>
    context.progress(
      `${parts} parts, ${mib(bytes)} of ${mib(Math.max(about, bytes))} or more, ${mib(written)} of it new`,
    ),
  )
  const { height, parts } = manifest
  const { bytes, written } = progress
  context.answer({ folder, height, parts: parts.length, bytes, written }, [
    `Height ${height}: ${parts.length} parts, ${mib(bytes)}, of which ${mib(written)} new. Every part was read back.`,
    'The keys of personal and confidential items are not in it: `quadrille keys backup` is for those.',
  ])
  return 0
}

export const keysBackup: Handler = async (args, options, context) => {
  const file = argument(args, 0)
  if (existsSync(file)) throw new LedgerError('FILE_EXISTS', { file })
  const answer = await ask(options, context, '/keys/backup')
  const sealed = new Uint8Array(await answer.arrayBuffer())
  await writeFileAtomic(file, sealed)
  context.answer({ file, bytes: sealed.length }, [
    `${mib(sealed.length)} in ${file}. It opens with what unlocks this node, until backups.keptDays have passed.`,
    'Destroy it by then, and after each erasure: keys of erased items stay in it.',
  ])
  return 0
}

async function ask(options: Options, context: Context, path: string): Promise<Response> {
  const requester = openRequester({ endpoint: await endpointOf(options, context), fetch, retryMs: 0 })
  return requester.send(path, { method: 'POST', headers: { accept: 'application/octet-stream' } })
}

/** A connection that breaks is an interrupted backup. */
async function* unbroken(body: AsyncIterable<Uint8Array>): AsyncGenerator<BackupFrame, void, undefined> {
  const frames = framesIn(body)
  for (;;) {
    let next: IteratorResult<BackupFrame, void>
    try {
      next = await frames.next()
    } catch (error) {
      throw error instanceof LedgerError ? error : new LedgerError('BACKUP_INTERRUPTED', {}, error)
    }
    if (next.done === true) return
    yield next.value
  }
}
