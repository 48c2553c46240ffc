// quadrille audit watch: several nodes' checkpoints, followed from outside with nothing but the genesis.

import { forkProofSchema } from '../../audit/fork.ts'
import { consortiumOrigin, type NoteKey, validatorKeys } from '../../audit/note.ts'
import { type Sighting, Watch, type Watched } from '../../audit/watch.ts'
import { fromUtf8, utf8 } from '../../base/bytes.ts'
import { LedgerError } from '../../base/errors.ts'
import { writeFileAtomic } from '../../base/files.ts'
import { limits } from '../../base/limits.ts'
import { openRequester } from '../../http/client-request.ts'
import { readBytes, readText } from '../../node/home.ts'
import { checkpointKeysAt, type Get } from '../../node/remote-bundle.ts'
import { startReplay } from '../../node/replay.ts'
import { type Context, type Handler, optional, whole } from '../context.ts'
import { endOfProcess } from '../streams.ts'

const defaultEverySeconds = 10
const patienceMs = 10_000

export const watchAudit: Handler = async (urls, options, context) => {
  const genesis = await readBytes(optional(options, 'genesis') ?? context.home.genesis)
  const every = whole(options, 'every', 1, 86_400) ?? defaultEverySeconds
  const proofPath = optional(options, 'proof') ?? 'fork.json'
  const gets = urls.map(getter)
  const { ledger } = startReplay(genesis)
  const watch = new Watch(consortiumOrigin(ledger), keysFrom(gets, genesis))
  const rounds = new Rounds(
    watch,
    urls.map((url, place) => watched(url, gets[place] as Get)),
    context,
    proofPath,
  )
  const since = optional(options, 'since')
  if (since !== undefined) await rounds.tell(await remembered(watch, since))
  if (options['once'] === true) {
    const [holds, reached] = await rounds.look()
    return holds ? (reached ? 0 : 5) : 1
  }
  const ended = endOfProcess()
  let open = true
  ended.then(() => {
    open = false
  })
  let fits = true
  while (open) {
    fits = (await rounds.look())[0] && fits
    let timer: NodeJS.Timeout | undefined
    const pause = new Promise((resolve) => {
      timer = setTimeout(resolve, every * 1_000)
    })
    await Promise.race([ended, pause])
    clearTimeout(timer)
  }
  return fits ? 0 : 1
}

/** @throws LedgerError MALFORMED, FILE_UNREADABLE; both name the file */
async function remembered(watch: Watch, file: string): Promise<Sighting> {
  const note = await readText(file)
  try {
    return await watch.remember(note)
  } catch (error) {
    if (!(error instanceof LedgerError) || error.code !== 'MALFORMED') throw error
    throw new LedgerError('MALFORMED', { file, ...error.details }, error)
  }
}

class Rounds {
  readonly #watch: Watch
  readonly #nodes: readonly Watched[]
  readonly #context: Context
  readonly #proofPath: string
  /** What was said last of each: only news is said. */
  readonly #said = new Map<string, string>()

  constructor(watch: Watch, nodes: readonly Watched[], context: Context, proofPath: string) {
    this.#watch = watch
    this.#nodes = nodes
    this.#context = context
    this.#proofPath = proofPath
  }

  /** Whether all that was seen fits, and whether all nodes answered. @throws LedgerError FORK_DETECTED, once its proof is kept */
  async look(): Promise<readonly [holds: boolean, reached: boolean]> {
    let [holds, reached] = [true, true]
    for (const node of this.#nodes) {
      try {
        holds = (await this.tell(await this.#watch.look(node))) && holds
      } catch (error) {
        if (!(error instanceof LedgerError) || error.code === 'FORK_DETECTED' || error.code === 'STORAGE_FAILED')
          throw error
        reached = false
        this.#say(
          node.name,
          { type: 'away', name: node.name, code: error.code },
          `${node.name}: ${error.code}: ${error.message}`,
        )
      }
    }
    return [holds, reached]
  }

  /** Whether it fits. */
  async tell(sighting: Sighting): Promise<boolean> {
    const { name, type } = sighting
    switch (type) {
      case 'holds': {
        const { size, root, signers } = sighting
        const seen = { type, name, size, root, signers: signers.length }
        this.#say(name, seen, `${name}: ${size} leaves, root ${root.slice(0, 16)}, ${signers.length} signed`)
        return true
      }
      case 'empty':
        this.#say(name, { type, name }, `${name}: nothing is final yet`)
        return true
      case 'unsigned':
        this.#say(name, { type, name }, `${name}: NO VALIDATOR OF THIS LEDGER SIGNED WHAT IT SHOWS`)
        return false
      case 'unproven': {
        const { from, size } = sighting
        this.#say(
          name,
          { type, name, from, size },
          `${name}: ITS ${size} LEAVES DO NOT CONTINUE THE ${from} SEEN BEFORE`,
        )
        return false
      }
      case 'fork': {
        const { proof, verdict } = sighting
        const text = `${JSON.stringify(forkProofSchema.toJson(proof), undefined, 2)}\n`
        await writeFileAtomic(this.#proofPath, utf8(text), 0o644)
        const { size, both } = verdict
        throw new LedgerError('FORK_DETECTED', {
          node: name,
          leaves: size,
          signedBoth: both.length,
          proof: this.#proofPath,
        })
      }
    }
  }

  #say(name: string, value: Readonly<Record<string, string | number>>, line: string): void {
    if (this.#said.get(name) === line) return
    this.#said.set(name, line)
    this.#context.answer(value, [line])
  }
}

function watched(name: string, get: Get): Watched {
  return {
    name,
    note: async (size) => {
      try {
        return fromUtf8(await get(`/log/checkpoint${size === undefined ? '' : `?size=${size}`}`))
      } catch (error) {
        if (error instanceof LedgerError && error.code === 'NOT_FOUND') return undefined
        throw error
      }
    },
    tile: (path) => get(`/log/${path}`),
  }
}

/** Found anew when the validators change: along agreed blocks of whichever node is furthest. */
function keysFrom(gets: readonly Get[], genesis: Uint8Array): () => Promise<readonly NoteKey[]> {
  const { ledger, replay } = startReplay(genesis)
  let known = { epoch: 0, keys: validatorKeys(ledger, replay.checkpointKeys()) }
  return async () => {
    for (const get of gets) {
      const place = await placeOf(get)
      if (place === undefined || place.epoch <= known.epoch) continue
      known = { epoch: place.epoch, keys: validatorKeys(ledger, await checkpointKeysAt(get, genesis, place.final)) }
    }
    return known.keys
  }
}

/** Undefined when the node cannot be asked, or says nothing of the kind. */
async function placeOf(get: Get): Promise<{ readonly epoch: number; readonly final: number } | undefined> {
  try {
    const { epoch, final } = JSON.parse(fromUtf8(await get('/status'))) as Readonly<Record<string, unknown>>
    return Number.isSafeInteger(epoch) && Number.isSafeInteger(final)
      ? { epoch: epoch as number, final: final as number }
      : undefined
  } catch (error) {
    if (error instanceof LedgerError || error instanceof SyntaxError) return undefined
    throw error
  }
}

/** One try: who is away is asked again in the next round. Answers are bounded like any file of a bundle. */
function getter(endpoint: string): Get {
  const requester = openRequester({ endpoint, fetch, retryMs: 0 })
  return async (path) => {
    const bytes = await inTime(async (signal) => (await requester.send(path, { signal })).arrayBuffer())
    if (bytes.length > limits.bundleFileBytesMax) throw new LedgerError('TOO_LARGE', { path, bytes: bytes.length })
    return bytes
  }
}

/** @throws LedgerError NODE_UNREACHABLE for an answer that does not come. */
async function inTime(ask: (signal: AbortSignal) => Promise<ArrayBuffer>): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(patienceMs)
  try {
    return new Uint8Array(await ask(signal))
  } catch (error) {
    if (signal.aborted) throw new LedgerError('NODE_UNREACHABLE', { patienceMs }, error)
    throw error
  }
}
