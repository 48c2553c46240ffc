// The acts of the demo, one function each.

import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Consensus,
  type Consortium,
  enrolApplication,
  found,
  type Member,
  type NodeState,
  startMember,
  stateOf,
} from './consortium.ts'
import type { DataFile, Dataset } from './dataset.ts'
import { CommandFailed, eventually, quadrille, quadrilleJson } from './processes.ts'
import type { Story } from './story.ts'

export async function foundAct(
  story: Story,
  consensus: Consensus,
  directory: string,
  dataset: Dataset,
): Promise<Consortium> {
  story.act(`${consensus === 'pbft' ? 'Four' : 'Three'} organisations found a ledger`)
  const consortium = await found({ consensus, directory, graphs: dataset.graphs })
  if (consensus === 'raft') story.say('with Raft: they trust one another’s code, and certificates say crash-fault')
  for (const { name } of consortium.members)
    story.say(`${name}: an organisation key, a node with its own keys, a signed card`)
  const { fingerprint } = await quadrilleJson<{ fingerprint: string }>('genesis', 'check', consortium.genesis)
  story.good(`all ${consortium.count} signed one genesis; its fingerprint, to read aloud: ${fingerprint}`)
  return consortium
}

export async function startAct(story: Story, consortium: Consortium): Promise<void> {
  story.act(`${capital(consortium.count)} processes start and find one another`)
  for (const member of consortium.members) startMember(consortium, member)
  await Promise.all(consortium.members.map((member) => ready(member)))
  for (const { name, url, process } of consortium.members)
    story.say(`${name.padEnd(13)} process ${process?.pid}, ${url}`)
  story.good('every connection is authenticated on both sides against the genesis; a quorum is connected')
}

export async function submitAct(story: Story, consortium: Consortium, dataset: Dataset): Promise<void> {
  story.act('An application of Acme Foods submits its data')
  await enrolApplication(
    consortium,
    dataset.graphs.map(({ iri }) => iri),
  )
  story.say('its key is enrolled by an act that the organisation’s key signed')
  const began = Date.now()
  for (const graph of new Set(dataset.files.map((file) => file.graph)))
    await submit(
      consortium,
      graph,
      dataset.files.filter((file) => file.graph === graph),
    )
  const [state] = await settled(consortium.members)
  story.good(
    `${state.quads} quads are ordered, executed by all ${consortium.count}, and final (${((Date.now() - began) / 1000).toFixed(1)} s)`,
  )
}

export async function askAct(story: Story, { count, members }: Consortium, { question }: Dataset): Promise<void> {
  story.act(`All ${count} answer the same question the same way`)
  const answers = await Promise.all(
    members.map(({ home }) => quadrille('query', question, '--format', 'csv', '--home', home)),
  )
  for (const line of (answers[0] ?? '').trim().split(/\r?\n/)) story.say(line)
  if (new Set(answers).size !== 1) throw new Error('the answers differ')
  const [state] = await settled(members)
  story.good(`${count} equal answers; height ${state.height}, head ${state.head.slice(0, 16)}…`)
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

/** Whether every old key is destroyed on every node. */
export async function keysAct(story: Story, consortium: Consortium, { late }: Dataset): Promise<boolean> {
  const { members } = consortium
  story.act(`All ${consortium.count} nodes turn their keys at rest while work goes on`)
  const rotated = members.map(({ home }) => quadrilleJson<Keys>('keys', 'rotate', '--wait', '--home', home))
  await submit(consortium, late.graph, [late])
  const ends = await Promise.all(rotated)
  const turned = ends.every(({ rotation, keys }) => rotation === null && keys.every(isNew))
  const shown = (await quadrille('keys', 'status', '--home', members[0]?.home ?? '')).trimEnd().split('\n')
  for (const line of shown) story.say(line)
  if (turned) story.good('everything is sealed under new keys, and the old ones are destroyed')
  else story.bad(`old keys are left: ${JSON.stringify(ends)}`)
  return turned
}

interface Keys {
  readonly rotation: object | null
  readonly keys: readonly { readonly purpose: string; readonly version: number; readonly state: string }[]
}

function isNew({ purpose, version, state }: Keys['keys'][number]): boolean {
  // The journal turns by itself; the key for look-ups only hashes.
  return purpose === 'journal' || purpose === 'lookup' || (state === 'active' && version > 1)
}

export interface Standing {
  readonly heights: readonly number[]
  readonly heads: readonly string[]
  readonly quads: number
  readonly sameDumps: boolean
}

export async function killAct(story: Story, consortium: Consortium, { late }: Dataset): Promise<Standing> {
  const { count, members } = consortium
  const victim = await leaderOf(members)
  story.act(`${victim.name}, who leads, is killed with SIGKILL while work goes on`)
  const others = members.filter((member) => member !== victim)
  const [through] = others
  const working = submit(consortium, late.graph, [late], through)
  await victim.process?.end('SIGKILL')
  await working
  const [state] = await settled(others)
  story.good(
    `${count === 'four' ? 'three of four' : 'two of three'} are a quorum: height ${state.height}, nothing waits`,
  )
  startMember(consortium, victim)
  await ready(victim)
  const states = await settled(members)
  story.good(
    `${victim.name} is back, fetched what it had missed, and stands at height ${states[0].height} like the others`,
  )
  const dumps = await Promise.all(members.map(({ home }) => quadrille('dump', '--home', home)))
  const sorted = new Set(dumps.map((dump) => dump.split('\n').sort().join('\n')))
  if (sorted.size === 1) story.good(`full dumps of all ${count} are equal: ${states[0].quads} quads`)
  else story.bad('full dumps differ')
  return {
    heights: states.map(({ height }) => height),
    heads: states.map(({ head }) => head),
    quads: states[0].quads,
    sameDumps: sorted.size === 1,
  }
}

export async function auditAct(
  story: Story,
  consortium: Consortium,
): Promise<{ auditVerified: boolean; tamperDetected: boolean }> {
  story.act('An auditor takes the log home and verifies it offline')
  const [first] = consortium.members
  const bundle = join(consortium.directory, 'audit')
  await quadrille('audit', 'export', bundle, '--home', first?.home ?? '')
  const whole = await verify(consortium, bundle)
  const { height, log, results, items } = whole
  const said = `${height} blocks certified by a quorum, ${log.size} leaves, ${results} signed results, ${items.opened} items opened`
  const trust = whole.faults === 'crash-fault' ? ' (crash-fault: as far as no member’s software lies)' : ''
  if (whole.holds) story.good(`it holds, resting on nothing but the genesis: ${said}${trust}`)
  else story.bad(`it does not hold: ${JSON.stringify(whole.findings)}`)

  story.act('One byte of the audit is flipped')
  const victim = await flipByte(join(bundle, 'blocks'))
  const tampered = await verify(consortium, bundle)
  const finding = tampered.findings.find(({ file }) => join(bundle, file) === victim)
  if (tampered.holds || finding === undefined) story.bad('the verifier did not notice, or did not name the place')
  else story.good(`the verifier names the place: ${finding.code} in ${finding.file}: ${finding.sentence}`)
  await rm(bundle, { recursive: true, force: true })
  return { auditVerified: whole.holds, tamperDetected: !tampered.holds && finding !== undefined }
}

export function keepAct(story: Story, consortium: Consortium, { question }: Dataset): void {
  const [first] = consortium.members
  story.act('The nodes go on running; try')
  const home = first?.home ?? ''
  story.say(`quadrille status --home ${home}`)
  story.say(`quadrille query '${question.split('\n').join(' ')}' --home ${home}`)
  story.say(`quadrille dump --home ${home}`)
  story.say(`curl -H 'Accept: text/csv' --data-urlencode 'query=SELECT * { ?s ?p ?o } LIMIT 5' ${first?.url}/sparql`)
  story.say(`quadrille audit export /tmp/audit --home ${home}`)
  story.say('(quadrille is `node bin/quadrille.js` in this folder)')
  const pids = consortium.members.map(({ process }) => process?.pid).join(' ')
  story.say(`what they log: ${consortium.directory}/*.log`)
  story.say(`to stop and remove: kill ${pids}; rm -r ${consortium.directory}`)
  for (const { process } of consortium.members) process?.release()
}

/** Files of one graph in one go: each start of the command line costs half a second. */
async function submit(
  { members, applicationKey }: Consortium,
  graph: string,
  files: readonly DataFile[],
  through: Member | undefined = members[0],
): Promise<void> {
  const paths = files.map(({ path }) => path)
  await quadrille('submit', ...paths, '--graph', graph, '--as', applicationKey, '--home', through?.home ?? '')
}

export async function ready(member: Member): Promise<void> {
  await eventually(`${member.name} is connected to a quorum`, async () => {
    if (member.process?.alive === false) throw new Error(member.process.output)
    const { quorumConnected, serves } = await stateOf(member)
    return quorumConnected && serves ? true : undefined
  })
}

interface Standings extends ReadonlyArray<NodeState> {
  readonly 0: NodeState
}

/** The states of all once they stand at one final height with nothing waiting. */
async function settled(members: readonly Member[]): Promise<Standings> {
  return eventually('all nodes at one final height', async () => {
    const states = await Promise.all(members.map(stateOf))
    const [first] = states
    const still = states.every(
      ({ head, final, height, waiting }) => head === first?.head && final === height && waiting === 0,
    )
    return still && first !== undefined ? [first, ...states.slice(1)] : undefined
  })
}

async function leaderOf(members: readonly Member[]): Promise<Member> {
  const [state] = await settled(members)
  const leader = members.find(({ id }) => state.leader === `${id}-1`)
  if (leader === undefined) throw new Error(`nobody is called ${state.leader}`)
  return leader
}

/** What `audit verify --json` ends with, as far as it is used here. */
interface Verified {
  readonly holds: boolean
  readonly faults: string
  readonly height: number
  readonly log: { readonly size: number }
  readonly results: number
  readonly items: { readonly opened: number }
  readonly findings: readonly { readonly code: string; readonly file: string; readonly sentence: string }[]
}

async function verify({ genesis }: Consortium, bundle: string): Promise<Verified> {
  try {
    return await quadrilleJson<Verified>('audit', 'verify', bundle, '--genesis', genesis)
  } catch (error) {
    if (!(error instanceof CommandFailed) || error.exitCode !== 1) throw error
    return JSON.parse(error.output) as Verified
  }
}

/** Flips the lowest bit of the byte in the middle of the first file of a folder, and names the file. */
async function flipByte(folder: string): Promise<string> {
  const [first] = (await readdir(folder)).sort()
  if (first === undefined) throw new Error(`${folder} is empty`)
  const path = join(folder, first)
  const bytes = await readFile(path)
  const place = Math.floor(bytes.length / 2)
  bytes[place] = (bytes[place] ?? 0) ^ 1
  await writeFile(path, bytes)
  return path
}
