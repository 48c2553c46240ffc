// Gathers the other validators' signatures on checkpoints of the log, so that what this node shows is signed by a quorum.
// Each signs with its own signer, which never contradicts itself, and only trees that are final there. Who answers with
// another root than ours for one size contradicts us: more of them than can lie, and one side has forked.

import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CheckpointSigner } from '../audit/checkpoint-signer.ts'
import { forkProofSchema } from '../audit/fork.ts'
import type { Log, TreeHead } from '../audit/log.ts'
import {
  consortiumOrigin,
  formatNote,
  mergeNotes,
  parseCheckpoint,
  parseNote,
  readNote,
  type SignedNote,
  validatorKeys,
  verifyNote,
} from '../audit/note.ts'
import type { CheckpointKey } from '../audit/replay.ts'
import { fromUtf8, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { writeFileAtomic } from '../base/files.ts'
import type { LedgerId, NodeId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { ResultCertificate } from '../consensus/certificate.ts'
import { type FaultModel, faultModelOf, oneCorrect, quorumOf } from '../consensus/quorum.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { checkpointKeysOf } from './checkpoint-keys.ts'
import type { Envelope } from './wire.ts'

export interface CosigningOptions {
  readonly ledger: LedgerId
  readonly self: NodeId
  readonly faults: FaultModel
  readonly signer: CheckpointSigner
  readonly log: Pick<Log, 'rootAt'>
  /** The newest log that is known to be final. */
  readonly final: () => TreeHead | undefined
  /** Checkpoint keys of the validators in force. */
  readonly validators: () => readonly CheckpointKey[]
  readonly peers: () => readonly NodeId[]
  readonly send: (to: NodeId, envelope: Envelope) => void
  /** Where the last note that a quorum signed is kept. */
  readonly path: string
  /** Where the proof goes when more validators than can lie signed another log than ours. */
  readonly forkPath: string
  /** Such a fork, this node's own log contradicts what it signed, or its disk failed: nothing more may be written. */
  readonly onFailure: (error: unknown) => void
  readonly askAgainMs?: number
  readonly patienceMs?: number
}

interface Gathering {
  readonly head: TreeHead
  note: SignedNote
  readonly signers: Set<NodeId>
  /** Notes of the same size with another root. */
  readonly contradictions: Map<NodeId, SignedNote>
}

export class Cosigning {
  readonly #options: CosigningOptions
  #gathering: Gathering | undefined
  #underWay: Promise<void> | undefined
  /** The newest note that a quorum signed. */
  #whole: string | undefined
  readonly #stopped = new AbortController()

  /** `kept`: what `keptNote` gave. */
  constructor(options: CosigningOptions, kept: string | undefined) {
    this.#options = options
    this.#whole = kept
  }

  /**
   * The newest final checkpoint with a quorum of signatures; when a quorum is not reached in time the last one that has a
   * quorum, and without any this node's own. Undefined before anything is final.
   */
  async note(): Promise<string | undefined> {
    const head = this.#options.final()
    if (head === undefined) return undefined
    await this.gather()
    return this.#whole ?? this.#options.signer.sign(head)
  }

  /** This node's own signature on the log of `size` leaves; undefined when that is not final here. */
  async own(size: number): Promise<string | undefined> {
    const { final, signer, log } = this.#options
    const head = final()
    if (head === undefined || size > head.size || size < 1) return undefined
    return signer.sign({ size, root: log.rootAt(size) })
  }

  /** Asks until a quorum signed the newest final checkpoint, for a while. */
  async gather(): Promise<void> {
    this.#underWay ??= this.#gather().finally(() => {
      this.#underWay = undefined
    })
    return this.#underWay
  }

  async receive(from: NodeId, envelope: Extract<Envelope, { type: 'note' | 'note-wanted' }>): Promise<void> {
    if (envelope.type === 'note') return this.#take(from, readNote(envelope.note))
    try {
      const note = await this.own(envelope.size)
      if (note !== undefined) this.#options.send(from, { type: 'note', note: utf8(note) })
    } catch (error) {
      // What is wrong with this node's own log is not the fault of who asked.
      this.#options.onFailure(error)
    }
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#underWay
  }

  async #gather(): Promise<void> {
    const { final, signer, self, send, peers, validators } = this.#options
    const { askAgainMs = 200, patienceMs = limits.cosignMsMax } = this.#options
    const head = final()
    if (head === undefined || this.#isWhole(head)) return
    const own = await signer.sign(head)
    const gathering: Gathering = { head, note: parseNote(own), signers: new Set([self]), contradictions: new Map() }
    if (validators().every(({ node }) => node !== self)) gathering.signers.clear()
    this.#gathering = gathering
    const end = performance.now() + patienceMs
    while (!this.#stopped.signal.aborted && !(await this.#settle(gathering)) && performance.now() < end) {
      const asked = peers().filter((peer) => validators().some(({ node }) => node === peer))
      for (const peer of asked.filter((each) => !gathering.signers.has(each))) {
        send(peer, { type: 'note-wanted', size: head.size })
      }
      await sleep(askAgainMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined)
    }
  }

  #isWhole({ size, root }: TreeHead): boolean {
    if (this.#whole === undefined) return false
    const said = parseCheckpoint(parseNote(this.#whole).text)
    return said.size === size && said.root === root
  }

  /** @throws LedgerError MALFORMED, SIGNATURE_INVALID, FORK_DETECTED: the sender's fault */
  async #take(from: NodeId, note: SignedNote): Promise<void> {
    const { ledger, validators } = this.#options
    const said = parseCheckpoint(note.text)
    const keys = validatorKeys(
      ledger,
      validators().filter(({ node }) => node === from),
    )
    const { valid, invalid, unknown } = verifyNote(note, keys)
    if (said.origin !== consortiumOrigin(ledger)) throw new LedgerError('WRONG_LEDGER')
    if (valid.length !== 1 || invalid.length > 0 || unknown.length > 0) throw new LedgerError('SIGNATURE_INVALID')
    const gathering = this.#gathering
    // A late answer to an earlier question is no fault.
    if (gathering === undefined || said.size !== gathering.head.size) return
    if (said.root === gathering.head.root) {
      gathering.signers.add(from)
      gathering.note = mergeNotes([gathering.note, note])
      return
    }
    gathering.contradictions.set(from, note)
    await this.#judge(gathering)
    throw new LedgerError('FORK_DETECTED', { signed: said.size, asked: said.size })
  }

  /** Whether a quorum signed; then the note is kept before it is shown. */
  async #settle({ note, signers, head }: Gathering): Promise<boolean> {
    const { faults, validators, path } = this.#options
    const inForce = validators()
    const counted = inForce.filter(({ node }) => signers.has(node)).length
    if (counted < quorumOf(faults, inForce.length)) return false
    if (!this.#isWhole(head)) {
      await writeFileAtomic(path, utf8(formatNote(note)))
      this.#whole = formatNote(note)
    }
    return true
  }

  /** The proof is durable before this node stops. */
  async #judge({ head, note, contradictions }: Gathering): Promise<void> {
    const { faults, validators, forkPath, onFailure } = this.#options
    const all = [...contradictions.values()]
    for (const { text } of all) {
      const alike = all.filter((each) => each.text === text)
      if (alike.length < oneCorrect(faults, validators().length)) continue
      const proof = {
        kind: 'quadrille fork 1',
        first: formatNote(note),
        second: formatNote(mergeNotes(alike)),
      } as const
      await writeFileAtomic(forkPath, utf8(`${JSON.stringify(forkProofSchema.toJson(proof), undefined, 2)}\n`), 0o644)
      onFailure(new LedgerError('FORK_DETECTED', { leaves: head.size, proof: forkPath }))
      return
    }
  }
}

export interface CosigningParts {
  readonly self: NodeId
  readonly parts: { readonly checkpoints: CheckpointSigner; readonly log: Log }
  readonly notes: { readonly cosigned: string; readonly fork: string }
  readonly machine: { readonly ledger: Ledger }
  readonly mesh: { peers(): readonly NodeId[] }
  readonly final: () => ResultCertificate | undefined
  readonly send: (to: NodeId, envelope: Envelope) => void
  readonly kept: string | undefined
  readonly onFailure: (error: unknown) => void
}

/** Of a running node. */
export function cosigningOf({ parts, notes, machine, mesh, final, kept, ...rest }: CosigningParts): Cosigning {
  const { ledger } = machine
  const options: CosigningOptions = {
    ...rest,
    ledger: ledger.id,
    faults: faultModelOf(ledger.genesis.protocol),
    signer: parts.checkpoints,
    log: parts.log,
    final: () => {
      const result = final()?.result
      return result && { size: result.logSize, root: result.logRoot }
    },
    validators: () => checkpointKeysOf(ledger),
    peers: () => mesh.peers(),
    path: notes.cosigned,
    forkPath: notes.fork,
  }
  return new Cosigning(options, kept)
}

/** The last note that a quorum signed; undefined before the first. Whoever is shown it checks it. */
export async function keptNote(path: string): Promise<string | undefined> {
  try {
    const text = fromUtf8(new Uint8Array(await readFile(path)))
    parseCheckpoint(parseNote(text).text)
    return text
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
