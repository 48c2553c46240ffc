// One of the four runs a build that lies, made for tests: it signs two votes for one place. The others go on without noticing more
// than that, and what it signed convicts it before anybody who has the genesis.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { built, builtHook } from '../test/e2e/hooks.ts'
import { ready } from './acts.ts'
import { type Consortium, enrolKey, type Member, startMember } from './consortium.ts'
import type { Dataset } from './dataset.ts'
import { eventually, quadrille, quadrilleJson } from './processes.ts'
import type { Story } from './story.ts'

interface Kept {
  readonly id: string
  readonly culprit: string
  readonly sentence: string
}

interface Verdict {
  readonly proven: boolean
  readonly name: string
}

let keys = 0

/** What makes a node's process lie. */
async function lyingEnvironment(directory: string): Promise<NodeJS.ProcessEnv> {
  const hook = await builtHook(directory, '../pbft/liar-hook')
  const preload = `--import ${pathToFileURL(hook).href}`
  return { NODE_OPTIONS: preload, QUADRILLE_BUILT: built, QUADRILLE_LIE: 'votes twice' }
}

/** True when another member comes to hold evidence against the liar that verifies offline. */
export async function liarAct(story: Story, consortium: Consortium, { late }: Dataset): Promise<boolean> {
  const liar = consortium.members.at(-1)
  if (liar === undefined) throw new Error('a consortium has members')
  story.act(`${liar.name} runs a build that lies: it signs two votes for one place`)
  await liar.process?.end()
  startMember(consortium, liar, await lyingEnvironment(consortium.directory))
  await ready(liar)
  const others = consortium.members.filter((member) => member !== liar)
  const { witness, kept } = await eventually('somebody holds evidence', () =>
    workAndLook(consortium, late.graph, others),
  )
  story.say('the others order and execute all the same')
  story.say(`${witness.name} keeps what it signed. ${kept.culprit}: ${kept.sentence}`)
  const file = join(consortium.directory, 'evidence.json')
  await writeFile(file, await quadrille('evidence', 'show', kept.id, '--home', witness.home))
  const verdict = await quadrilleJson<Verdict>('evidence', 'verify', file, '--genesis', consortium.genesis)
  const exposed = verdict.proven && verdict.name === `${liar.id}-1`
  if (exposed) story.good(`offline, with the genesis alone, this file convicts ${verdict.name}`)
  else story.bad(`the evidence does not convict ${liar.name}`)
  return exposed
}

/** One more agreement for the liar to lie about; then the first evidence that somebody holds. */
async function workAndLook(
  consortium: Consortium,
  graph: string,
  others: readonly Member[],
): Promise<{ readonly witness: Member; readonly kept: Kept } | undefined> {
  keys += 1
  await enrolKey(consortium, join(consortium.directory, `witness-${keys}.key`), [graph], 'write')
  for (const witness of others) {
    const [kept] = await quadrilleJson<readonly Kept[]>('evidence', 'list', '--home', witness.home)
    if (kept !== undefined) return { witness, kept }
  }
  return undefined
}
