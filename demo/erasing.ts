// The act of the demo in which a person's data leave all nodes.

import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8 } from '../src/base/bytes.ts'
import { type ItemId, itemIdOf } from '../src/base/ids.ts'
import { type Consortium, enrolKey } from './consortium.ts'
import type { Dataset } from './dataset.ts'
import { type Disk, DiskCopy, rawHits } from './disks.ts'
import { CommandFailed, quadrille, quadrilleJson } from './processes.ts'
import type { Story } from './story.ts'

export interface Erasure {
  readonly person: string
  /** Bytes noted on the disks beforehand: of ciphertexts, wrapped keys and index blocks. */
  readonly probes: number
  readonly rawHitsBefore: number
  readonly rawHits: number
  /** Values of the person found in what the keys open: of the disks as they are, and as they were before. */
  readonly openedHitsBefore: number
  readonly openedHits: number
  readonly complete: boolean
  readonly auditVerifiedAfter: boolean
}

interface Noted {
  readonly disk: Disk
  readonly before: DiskCopy
  readonly probes: readonly Uint8Array[]
}

export async function eraseAct(story: Story, consortium: Consortium, { subject, graphs }: Dataset): Promise<Erasure> {
  const { members, directory } = consortium
  const home = members[0]?.home ?? ''
  const { person, values } = subject
  story.act(`${person} asks to be erased`)
  const personal = graphs.filter(({ policy }) => policy === 'personal').map(({ iri }) => iri)
  const [clerk, officer] = [join(directory, 'clerk.key'), join(directory, 'officer.key')]
  for (const key of [clerk, officer]) await enrolKey(consortium, key, personal, 'erase')
  const found = await quadrilleJson<{ items: readonly { item: string; quads: number }[] }>(
    'person',
    'find',
    person,
    '--home',
    home,
  )
  const items = found.items.map(({ item }) => itemIdOf(item))
  const quads = found.items.reduce((sum, each) => sum + each.quads, 0)
  story.say(`${items.length} items with ${quads} quads; two persons of Acme Foods may order, one and the other`)
  const disks = members.map(
    (member): Disk => ({ home: member.home, unlock: join(directory, `${member.id}.unlock.key`) }),
  )
  const noted = await Promise.all(disks.map((disk) => note(disk, items)))
  const rawHitsBefore = await rawHitsOf(noted)
  const openedHitsBefore = sum(await Promise.all(noted.map(({ before }) => before.openedHits(values))))
  const probes = sum(noted.map((each) => each.probes.length))
  story.say(
    `noted on the ${consortium.count} disks: ${probes} pieces of ciphertexts, wrapped keys and index blocks, ${rawHitsBefore} found`,
  )

  const how = ['--reason', 'art17-1-b', '--case', '2026-114', '--as', clerk, '--approve-as', officer, '--home', home]
  const ordered = await quadrilleJson<{ orders: readonly { order: string; height: number }[] }>(
    'erase',
    '--person',
    person,
    ...how,
  )
  const order = ordered.orders[0]?.order ?? ''
  story.say(`ordered and approved at height ${ordered.orders[0]?.height}: from there on no node answers with it`)
  const complete = await isComplete(order, home)
  const rawHitsAfter = await rawHitsOf(noted)
  const openedHits = sum(await Promise.all(noted.map((each) => openedAfter(each, values))))
  const gone = complete && rawHitsAfter === 0 && openedHits === 0
  const said = `${rawHitsAfter} of the noted pieces are left, and the keys that are left open ${openedHits} of the person's values`
  if (gone) story.good(`all ${consortium.count} nodes purged their disks and attested it; ${said}`)
  else story.bad(`${complete ? 'all attested' : 'not all nodes attested'}; ${said}`)
  const auditVerifiedAfter = complete && (await auditAfter(consortium, order))
  if (auditVerifiedAfter) story.good('a new audit holds, says ERASED for those items, and confirms the erasure report')
  else story.bad('the audit after the erasure, or its report, does not hold')
  await Promise.all(noted.map(({ before }) => before.remove()))
  return {
    person,
    probes,
    rawHitsBefore,
    rawHits: rawHitsAfter,
    openedHitsBefore,
    openedHits,
    complete,
    auditVerifiedAfter,
  }
}

async function note(disk: Disk, items: readonly ItemId[]): Promise<Noted> {
  const before = await DiskCopy.take(disk)
  return { disk, before, probes: await before.probes(items) }
}

async function rawHitsOf(noted: readonly Noted[]): Promise<number> {
  return sum(await Promise.all(noted.map(({ disk, probes }) => rawHits(disk, probes))))
}

/** With the keys of now: in the store of now, in the store as it was before, and in the clear. */
async function openedAfter({ disk, before }: Noted, values: readonly string[]): Promise<number> {
  const now = await DiskCopy.take(disk)
  try {
    const clear = await rawHits(disk, values.map(utf8))
    return clear + (await now.openedHits(values)) + (await before.openedHits(values, now))
  } finally {
    await now.remove()
  }
}

async function isComplete(order: string, home: string): Promise<boolean> {
  try {
    return (
      await quadrilleJson<{ complete: boolean }>('erase', 'status', order, '--wait', '--timeout', '30', '--home', home)
    ).complete
  } catch (error) {
    if (error instanceof CommandFailed && error.exitCode === 1) return false
    throw error
  }
}

async function auditAfter({ directory, genesis, members }: Consortium, order: string): Promise<boolean> {
  const home = members[0]?.home ?? ''
  const [bundle, report] = [join(directory, 'audit-after'), join(directory, 'report.json')]
  try {
    await writeFile(report, await quadrille('erase', 'report', order, '--json', '--home', home))
    await quadrille('audit', 'export', bundle, '--home', home)
    const verified = await quadrilleJson<{ holds: boolean; erasureReportHolds: boolean; items: { erased: number } }>(
      ...['audit', 'verify', bundle, '--genesis', genesis, '--report', report],
    )
    return verified.holds && verified.erasureReportHolds && verified.items.erased > 0
  } catch (error) {
    if (error instanceof CommandFailed && error.exitCode === 1) return false
    throw error
  } finally {
    await rm(bundle, { recursive: true, force: true })
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
