// The one asynchronous part between a protocol core and the world: gathers inputs into turns, makes what a turn saves
// durable with one append, and only then lets its later effects out. It knows nothing of what the effects mean.

import type { NodeId } from '../base/ids.ts'
import type { Core, Effect, Input } from '../consensus/contract.ts'
import type { Journal } from '../consensus/ports.ts'
import { planTurn } from '../consensus/turn.ts'
import { Inputs } from './inputs.ts'

/** Inputs that one turn takes at most, so that a flood cannot keep a turn from ending. */
const turnInputsMax = 512

export interface Loop<Message> {
  /**
   * Queues an input; a turn begins with the next microtask unless one is under way. `bytes`: encoded length of a peer's
   * message, which is dropped when too much of that peer waits already.
   */
  push(input: Input<Message>, bytes?: number): void
  /** Before the work of checking a peer's message: gives what ends the check, undefined when the message is dropped. */
  check(from: NodeId, bytes: number): (() => void) | undefined
  /** Messages of peers that were dropped. */
  dropped(): number
  /** Takes nothing more and resolves once the turn under way has ended. */
  stop(): Promise<void>
}

export interface LoopOptions<Message> {
  readonly core: Core<Message>
  readonly journal: Journal
  /** Carries out one effect; must not throw for what the world does. */
  readonly act: (effect: Exclude<Effect<Message>, { readonly type: 'save' }>) => void
  /** The core broke an invariant or the journal failed: nothing more may be signed or acknowledged. */
  readonly onFailure: (error: unknown) => void
}

export function startLoop<Message>({ core, journal, act, onFailure }: LoopOptions<Message>): Loop<Message> {
  const inputs = new Inputs<Message>()
  let turn: Promise<void> | undefined
  let open = true

  async function run(): Promise<void> {
    while (open && !inputs.isEmpty) {
      const plan = planTurn(inputs.take(turnInputsMax).flatMap((input) => core.step(input)))
      plan.before.forEach(act)
      if (plan.saves.length > 0) await journal.append(plan.saves)
      plan.after.forEach(act)
      // Lets sockets be read and timers fire between turns.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  function begin(): void {
    if (turn !== undefined || !open) return
    turn = Promise.resolve()
      .then(run)
      .catch((error) => {
        open = false
        onFailure(error)
      })
      .finally(() => {
        turn = undefined
        if (!inputs.isEmpty) begin()
      })
  }

  return {
    push(input, bytes = 0) {
      if (!open) return
      inputs.put(input, bytes)
      begin()
    },
    check: (from, bytes) => inputs.check(from, bytes),
    dropped: () => inputs.dropped,
    async stop() {
      open = false
      inputs.clear()
      await turn
    },
  }
}
