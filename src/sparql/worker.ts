// A thread that evaluates queries, one at a time, so that whatever a query does (a join without end, a pattern that
// backtracks for ever, more memory than there is) the node's own event loop goes on. The only module that runs on import.

import { parentPort } from 'node:worker_threads'
import { InvariantError, LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { evaluate } from './evaluate.ts'
import { Evaluation } from './evaluation.ts'
import { type FromThread, packQuads, type QueryTask, type Task, type ToThread, type UpdateTask } from './messages.ts'
import { parseQuery } from './parse.ts'
import { RemoteSource } from './remote-source.ts'
import { evaluateUpdate } from './update.ts'
import { DatasetView } from './view.ts'

interface Current {
  readonly evaluation: Evaluation
  readonly source: RemoteSource
  readonly credit: Credit
}

/** How many pieces of the answer may be on their way: a client that reads slowly slows the query down. */
class Credit {
  #left: number = limits.answerPiecesMax
  #wake: () => void = () => undefined

  add(): void {
    this.#left++
    this.#wake()
  }

  async take(): Promise<void> {
    while (this.#left === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#left--
  }
}

let current: Current | undefined

function post(message: FromThread): void {
  parentPort?.postMessage(message)
}

parentPort?.on('message', (message: ToThread) => {
  switch (message.type) {
    case 'begin':
      begin(message.task)
      break
    case 'page':
    case 'counted':
      current?.source.answered(message)
      break
    case 'more':
      current?.credit.add()
      break
    case 'stop':
      current?.evaluation.fail(new LedgerError('QUERY_CANCELLED'))
  }
})

function begin(task: Task): void {
  const started: Current = { evaluation: new Evaluation(), source: new RemoteSource(post), credit: new Credit() }
  current = started
  const work = task.type === 'query' ? answer(task, started) : compute(task, started)
  work.then(
    () => end({ type: 'done' }),
    (error: unknown) => {
      // What this program did not expect ends the thread, and the node tells its operator.
      if (!(error instanceof LedgerError)) throw error
      end({ type: 'failed', code: error.code, details: error.details })
    },
  )
}

function end(message: FromThread): void {
  current?.evaluation.finish()
  current = undefined
  post(message)
}

async function answer(task: QueryTask, { evaluation, source, credit }: Current): Promise<void> {
  const parsed = parseQuery(task.text)
  const view = new DatasetView(source, task.dataset ?? parsed.dataset, evaluation)
  const { mediaType, body } = await evaluate(parsed, view, evaluation, task)
  post({ type: 'answer', mediaType })
  let gathered: Uint8Array[] = []
  let size = 0
  const send = async (): Promise<void> => {
    if (size === 0) return
    await Promise.race([credit.take(), evaluation.failed])
    post({ type: 'piece', bytes: joined(gathered, size) })
    gathered = []
    size = 0
  }
  for await (const bytes of body) {
    gathered.push(bytes)
    size += bytes.length
    if (size >= limits.answerPieceBytes) await send()
  }
  evaluation.throwIfFailed()
  await send()
}

async function compute({ text, dataset }: UpdateTask, { evaluation, source }: Current): Promise<void> {
  const { added, removed, read } = await evaluateUpdate(text, source, dataset, evaluation)
  evaluation.throwIfFailed()
  post({ type: 'delta', added: packQuads(added), removed: packQuads(removed), read })
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

if (parentPort === null) throw new InvariantError('this module runs in a thread of its own')
post({ type: 'ready' })
